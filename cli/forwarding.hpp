// Which of the signals that reached `run` its command still lacks.
//
// A signal for the whole process group (Ctrl-C, kill -- -PGID), or for each process of a service
// (systemd), reaches the guard as well. The kernel signals the youngest member of a group first, so
// the guard then has it before `run` does. Who signals one process after the other may need a
// moment: what reaches `run` alone waits for that long before it is forwarded.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <deque>
#include <optional>

#include "guard_message.hpp"

namespace cli {

class Forwarding {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPatience{100};

  // The guard itself got a signal.
  void seen(int signal, Clock::time_point now);
  // `run` got one, as kForward says it. In order.
  void came(const GuardMessage &message, Clock::time_point now);
  // The next one that the command lacks, if its time has come.
  std::optional<GuardMessage> next(Clock::time_point now);
  // When next() may have one; max() for nothing to do.
  Clock::time_point due() const;

 private:
  struct Waiting {
    GuardMessage message;
    Clock::time_point due;
  };
  std::array<Clock::time_point, NSIG> seen_ = {};
  std::deque<Waiting> waiting_;
};

}  // namespace cli
