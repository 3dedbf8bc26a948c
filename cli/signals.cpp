// The set of signals the command handles, and how it gives them back to its children.
#include "signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command.hpp"

namespace cli {
namespace {

constexpr int kHandled[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGUSR1,
                            SIGUSR2, SIGCONT, SIGTSTP, SIGCHLD};

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
  sigemptyset(&handled);
  for (int signal : kHandled) {
    if (!is_ignored(signal)) sigaddset(&handled, signal);
  }
  pthread_sigmask(SIG_BLOCK, &handled, &old_mask_);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &old_pipe_);
  fd_ = Fd(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) {
    throw Failure(kExitInternal, std::string("signalfd: ") + std::strerror(errno));
  }
}

std::optional<signalfd_siginfo> Signals::next() {
  signalfd_siginfo info;
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return info;
}

void Signals::stop_self() const {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

void Signals::restore() const noexcept {
  sigaction(SIGPIPE, &old_pipe_, nullptr);
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

int ending_signal(Signals &signals) {
  while (const auto info = signals.next()) {
    const int number = static_cast<int>(info->ssi_signo);
    if (number == SIGTSTP) {
      signals.stop_self();
    } else if (number != SIGCONT && number != SIGCHLD) {
      return number;
    }
  }
  return 0;
}

}  // namespace cli
