// The guard's own side: what runs in the process that guard.hpp describes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "guard_message.hpp"
#include "signals.hpp"

namespace cli {

struct GuardSpec {
  std::vector<std::string> argv;  // the command
  int64_t kill_after_ms = 0;      // from the SIGTERM for a lost lock to SIGKILL
  bool kill_tree = false;         // descendants end with the command
};

// Never returns: the process ends with its command, or with `socket` where none was started.
[[noreturn]] void run_guard_process(const GuardSpec &spec, Signals &signals, Fd socket);

}  // namespace cli
