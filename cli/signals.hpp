// Signals as events: those that a command handles are blocked and read from a descriptor, so that
// one poll() waits for them and for everything else.
#pragma once

#include <signal.h>
#include <sys/signalfd.h>

#include <optional>

namespace cli {

// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd &&other) noexcept : fd_(other.release()) {}
  Fd &operator=(Fd &&other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// Make one before any thread starts. Every signal is blocked and read from the descriptor, so that
// none ends or stops the process unseen; only SIGKILL, SIGSTOP, the two that the C library keeps
// for itself and a fault of the program's own cannot be. Signals that were ignored when the program
// started stay ignored (nohup, background jobs of plain shells). Nothing is given back at the end:
// a signal that comes while the command tidies up must not change its exit code.
class Signals {
 public:
  Signals();
  Signals(const Signals &) = delete;
  Signals &operator=(const Signals &) = delete;

  int fd() const { return fd_.get(); }
  // The next signal that came, if any. Never blocks.
  std::optional<signalfd_siginfo> next();
  // In a forked child, before exec: the mask as the program found it. Async-signal-safe.
  void restore() const noexcept;

 private:
  Fd fd_;
  sigset_t old_mask_;
};

// Whether the default action of a signal stops the process.
bool is_stop(int signal);
// Stops the process as the signal would have done, and returns when it was continued. The kernel
// drops it where nobody could continue the process (an orphaned process group, PID 1).
void stop_self(int signal);

// Sees to the signals that reached something that can be ended at once: stops where it should stop.
// Returns the signal that ends it, or 0.
int ending_signal(Signals &signals);

}  // namespace cli
