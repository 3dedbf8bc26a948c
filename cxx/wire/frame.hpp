// Commands in their form on the wire.
#pragma once

#include <cstddef>
#include <string>

#include "values/command.hpp"

namespace redilock {

// Adds words to `bytes` in the form of the wire. `announced` is the number of words of the whole
// command, if it begins here: others may follow later. It is 0 for words that follow.
void frame(const Command &words, size_t announced, std::string &bytes);

}  // namespace redilock
