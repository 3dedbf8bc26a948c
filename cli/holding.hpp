// A held lock while its command runs: looks after the lease, passes signals on, and says why a lock
// was lost.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "guard.hpp"
#include "session.hpp"

namespace cli {

class Holding {
 public:
  // The command of `guard` was started. `server`: its address, for messages.
  Holding(Guard &guard, const Lock &lock, Signals &signals, std::string server);

  // Returns when the command has ended, or the guard died and the command is gone. Blocks.
  void hold();

  bool lost() const { return lost_; }
  int exit_code() const { return exit_code_; }

 private:
  using Clock = std::chrono::steady_clock;

  int pause() const;
  void handle(const signalfd_siginfo &info);
  void look();
  void warn(int64_t remaining_ms);
  void explain_loss();

  Guard &guard_;
  const Lock &lock_;
  Signals &signals_;
  const std::string server_;
  const int64_t look_ms_;  // the lease is looked at this often at least
  bool warned_ = false;
  bool lost_ = false;
  std::optional<Clock::time_point> explain_at_;
  int exit_code_ = 0;
};

// Why a lock was lost, with the server if the reason does not name it.
std::string loss_text(const std::string &reason, const std::string &server);

}  // namespace cli
