// The process between `redilock run` and its command. It has no thread besides its own and no part
// in the lock, and so it can do what the holder of the lock cannot:
//
//  - It ends the command if the holder dies, of whatever signal, or is stopped past its lease.
//  - It sees which signals reached the process group, or each process of a service: they have
//    reached the command too. Only what it did not see itself is forwarded.
//  - Orphaned descendants of the command become its children, where they should end too.
//
// If the guard itself is killed, the kernel sends SIGTERM to the command.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guard_message.hpp"
#include "guard_process.hpp"
#include "signals.hpp"

namespace cli {

class Guard {
 public:
  // Forks the guard; call it before any thread starts. Throws Failure.
  Guard(const GuardSpec &spec, Signals &signals);
  // Waits for the guard, which ends at once while no command runs.
  ~Guard();
  Guard(const Guard &) = delete;
  Guard &operator=(const Guard &) = delete;

  int fd() const { return socket_.get(); }
  bool is(pid_t pid) const { return pid == pid_; }

  // Starts the command with these variables added to its environment, for a lock that is held for
  // as long. Throws Failure with kExitNotFound or kExitCannotRun. Blocks until it runs.
  void start(const std::vector<std::string> &environment, int64_t remaining_ms);
  void forward(const signalfd_siginfo &info);
  void lease_lasts(int64_t remaining_ms);
  // SIGTERM for the command, SIGKILL `kill_after_ms` later.
  void end_command();

  // The wait status of the command once it has ended. Never blocks.
  std::optional<int> ended();
  // Whether the guard has died before its command. The kernel has sent SIGTERM to the command.
  bool died() const { return died_; }
  // Waits until a command whose guard died has ended, and kills it when its time is over. Blocks.
  void end_unguarded() const;

 private:
  std::optional<GuardMessage> receive();

  const GuardSpec &spec_;
  Fd socket_;
  pid_t pid_ = -1;
  pid_t command_ = -1;
  bool died_ = false;
};

}  // namespace cli
