// The guard's own side: what runs in the process that guard.hpp describes.
#pragma once

#include "guard.hpp"

namespace cli {

// Never returns: the process ends with its command, or with `socket` where none was started.
[[noreturn]] void run_guard_process(const GuardSpec &spec, Signals &signals, Fd socket);

}  // namespace cli
