// Child processes: started so that they cannot outlive their parent unnoticed and inherit nothing
// but what they are given.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "signals.hpp"

namespace cli {

struct ProcessSpec {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // "NAME=VALUE", over those of this process
  int death_signal = 0;                  // what it gets when this process dies
  int stdout_fd = -1;                    // its stdout and stderr, or -1 for those of this process
  bool own_group = false;                // out of reach of the terminal's Ctrl-C
};

// Starts a process; call it on the main thread, for the death signal follows the thread. Returns
// when the program runs. Throws Failure with kExitNotFound or kExitCannotRun.
pid_t start_process(const ProcessSpec &spec, const Signals &signals);

// The exit code a shell would return for a wait status.
int exit_code_of_wait(int wait_status);

}  // namespace cli
