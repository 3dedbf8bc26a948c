// The set of signals the command handles, and how it gives them back to its children.
#include "signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command.hpp"

namespace cli {
namespace {

// Nothing to end for: their default action is to do nothing.
bool is_harmless(int signal) {
  return signal == SIGCHLD || signal == SIGCONT || signal == SIGWINCH || signal == SIGURG;
}

bool is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Fd &Fd::operator=(Fd &&other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Signals::Signals() {
  // An ignored SIGCHLD would reap children behind our back.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t handled;
  sigfillset(&handled);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (is_ignored(signal)) sigdelset(&handled, signal);
  }
  pthread_sigmask(SIG_BLOCK, &handled, &old_mask_);
  fd_ = Fd(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) {
    throw Failure(kExitInternal, std::string("signalfd: ") + std::strerror(errno));
  }
}

// A write to a broken pipe fails and leaves a SIGPIPE of our own, which says nothing new.
std::optional<signalfd_siginfo> Signals::next() {
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const bool own = static_cast<pid_t>(info.ssi_pid) == getpid();
    if (info.ssi_signo != SIGPIPE || !own) return info;
  }
  return std::nullopt;
}

void Signals::restore() const noexcept { sigprocmask(SIG_SETMASK, &old_mask_, nullptr); }

bool is_stop(int signal) { return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU; }

void stop_self(int signal) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

int ending_signal(Signals &signals) {
  while (const auto info = signals.next()) {
    const int number = static_cast<int>(info->ssi_signo);
    if (is_stop(number)) {
      stop_self(number);
    } else if (!is_harmless(number)) {
      return number;
    }
  }
  return 0;
}

}  // namespace cli
