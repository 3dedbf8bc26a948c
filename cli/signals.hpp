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

// Make one before any thread starts. Signals that were ignored when the program started stay
// ignored (nohup, background jobs of plain shells); SIGPIPE is ignored from here on. Nothing is
// given back at the end: a signal that comes while the command tidies up must not change its exit
// code.
class Signals {
 public:
  Signals();
  Signals(const Signals &) = delete;
  Signals &operator=(const Signals &) = delete;

  int fd() const { return fd_.get(); }
  // The next signal that came, if any. Never blocks.
  std::optional<signalfd_siginfo> next();
  // Stops the process as SIGTSTP would have done, and returns when it was continued. The kernel
  // drops it where nobody could continue the process (an orphaned process group, PID 1).
  void stop_self() const;
  // In a forked child, before exec: mask and dispositions as the program found them.
  // Async-signal-safe.
  void restore() const noexcept;

 private:
  Fd fd_;
  sigset_t old_mask_;
  struct sigaction old_pipe_;
};

// Sees to the signals that came to something that can be ended at once: stops where it should stop.
// Returns the signal that ends it, or 0.
int ending_signal(Signals &signals);

}  // namespace cli
