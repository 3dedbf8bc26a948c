#include "holding.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>

#include "process.hpp"
#include "text.hpp"

namespace cli {
namespace {

// Who has taken the lock is asked of the server after the loss is known.
constexpr std::chrono::milliseconds kToAsk{100};

std::string lock_message(const Lock &lock) {
  std::string text(redilock_lock_message(lock.get(), nullptr, 0), '\0');
  redilock_lock_message(lock.get(), text.data(), text.size() + 1);
  return text;
}

}  // namespace

std::string loss_text(const std::string &reason, const std::string &server) {
  if (reason.find(server) != std::string::npos) return reason;
  return reason + " (server " + server + ")";
}

Holding::Holding(Guard &guard, const Lock &lock, Signals &signals, std::string server)
    : guard_(guard),
      lock_(lock),
      signals_(signals),
      server_(std::move(server)),
      look_ms_(std::clamp<int64_t>(redilock_lock_remaining_ms(lock.get()) / 10, 20, 1000)) {}

void Holding::hold() {
  for (;;) {
    look();
    pollfd polled[] = {{signals_.fd(), POLLIN, 0}, {guard_.fd(), POLLIN, 0}};
    poll(polled, 2, pause());
    while (const auto info = signals_.next()) handle(*info);
    const std::optional<int> status = guard_.ended();
    if (status) exit_code_ = exit_code_of_wait(*status);
    if (status || guard_.died()) break;
  }
  if (explain_at_) explain_loss();
  if (!guard_.died()) return;
  complain("the guard process was killed, ending the command");
  guard_.end_unguarded();
  exit_code_ = kExitInternal;
}

int Holding::pause() const {
  if (lost_) return explain_at_ ? static_cast<int>(kToAsk.count()) : -1;
  return static_cast<int>(std::min(redilock_lock_remaining_ms(lock_.get()) + 1, look_ms_));
}

void Holding::handle(const signalfd_siginfo &info) {
  const int number = static_cast<int>(info.ssi_signo);
  if (number == SIGCHLD && info.ssi_code > 0) {
    // As PID 1 of a container we get the orphans. The guard is waited for by its object.
    siginfo_t ended = {};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0 &&
           !guard_.is(ended.si_pid)) {
      waitpid(ended.si_pid, nullptr, 0);
      ended = {};
    }
    return;
  }
  guard_.forward(info);
  if (is_stop(number)) stop_self(number);
}

void Holding::look() {
  if (lost_) {
    if (explain_at_ && Clock::now() >= *explain_at_) explain_loss();
    return;
  }
  const int64_t remaining = redilock_lock_remaining_ms(lock_.get());
  if (redilock_lock_is_held(lock_.get()) == 1) {
    guard_.lease_lasts(remaining);
    return warn(remaining);
  }
  lost_ = true;
  guard_.end_command();
  explain_at_ = Clock::now() + kToAsk;
}

// The first renewal that fails, and the first after one that did not.
void Holding::warn(int64_t remaining_ms) {
  const std::string failed = lock_message(lock_);
  if (!failed.empty() && !warned_)
    complain(failed + "; the lease ends in " + human_duration(remaining_ms));
  warned_ = !failed.empty();
}

void Holding::explain_loss() {
  explain_at_.reset();
  complain(loss_text(lock_message(lock_), server_) + "; ending the command");
}

}  // namespace cli
