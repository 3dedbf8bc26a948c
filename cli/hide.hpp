// Takes secrets out of the list of processes.
#pragma once

namespace cli {

// Overwrites passwords and tokens among the arguments, up to a "--", where ps and /proc find them.
// Read the arguments before. argv is that of main, null at its end.
void hide_secrets(char **argv) noexcept;

}  // namespace cli
