// What ends a blocking call: its deadline, a cancel from another thread, or a signal. Every wait of
// the library goes through wait_until_ready, so that all of them can be ended the same way.
#pragma once

#include <algorithm>
#include <atomic>

#include "values/clock.hpp"

namespace redilock {

// Wakes one thread that polls. ring() is async-signal-safe; the descriptor is made at first need,
// and a ring before that is not lost.
class Notifier {
 public:
  Notifier() = default;
  Notifier(const Notifier &) = delete;
  Notifier &operator=(const Notifier &) = delete;
  ~Notifier();

  void ring() noexcept;
  int fd();  // throws Error(kUnavailable) if there are no more descriptors
  int fd_or_none() noexcept;
  void silence() noexcept;  // takes back every ring so far
  void close() noexcept;    // in the child of a fork

 private:
  std::atomic<int> fd_{-1};
  std::atomic<bool> rung_{false};
};

// How a call can be ended from outside.
struct Interrupt {
  Notifier notifier;
  std::atomic<bool> cancelled{false};
  std::atomic<bool> closed{false};  // with its client, for ever
  bool on_signals = false;          // EINTR ends the call
  // Where no descriptor is left for it, a call waits without it rather than fail.
  bool is_optional = false;

  void cancel() noexcept {
    cancelled.store(true);
    notifier.ring();
  }
  void close() noexcept {
    closed.store(true);
    notifier.ring();
  }
};

struct WaitContext {
  const Clock &clock;
  Instant deadline = kNever;
  Interrupt *interrupt = nullptr;  // null: cannot be cancelled

  WaitContext until(Instant other) const { return {clock, std::min(deadline, other), interrupt}; }
  bool expired() const noexcept { return clock.now() >= deadline; }
  // Throws Error(kCancelled) where the call was cancelled, Error(kClosed) where its client was
  // closed.
  void check() const;
  // What a system call that ended with EINTR comes to: throws where the call was cancelled, or
  // Error(kInterrupted) where signals are to end it.
  void signal_came() const;
};

enum class Ready { kDescriptor, kNotified, kDeadline };

// Waits until `fd` has one of the poll(2) events, the notifier rang without a cancel (which takes
// the ring back), or the deadline has passed. fd may be -1: then only the others count. Throws
// Error(kCancelled), Error(kClosed), Error(kInterrupted).
Ready wait_until_ready(int fd, short events, const WaitContext &limit);

}  // namespace redilock
