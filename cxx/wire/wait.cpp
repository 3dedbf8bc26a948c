#include "wire/wait.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "values/status.hpp"
#include "values/system_error.hpp"

namespace redilock {

namespace {

// Long waits are cut into days: poll's own limits and the clock's differ.
timespec time_left(const WaitContext &limit) {
  using namespace std::chrono;
  Micros left = limit.deadline == kNever ? Micros(hours(24)) : limit.deadline - limit.clock.now();
  left = std::clamp(left, Micros(0), Micros(hours(24)));
  auto whole = duration_cast<seconds>(left);
  return {static_cast<time_t>(whole.count()), static_cast<long>(nanoseconds(left - whole).count())};
}

// Of errno, which has nothing to do with the server.
Error here(const char *what) {
  return Error(Status::kUnavailable, what + system_error_text(errno), true).saying_where();
}

}  // namespace

Notifier::~Notifier() { close(); }

void Notifier::close() noexcept {
  int fd = fd_.exchange(-1);
  if (fd >= 0) ::close(fd);
}

void Notifier::ring() noexcept {
  int saved = errno;
  rung_.store(true);
  int fd = fd_.load();
  const uint64_t one = 1;
  if (fd >= 0) [[maybe_unused]]
    auto written = ::write(fd, &one, sizeof one);
  errno = saved;
}

int Notifier::fd() {
  const int fd = fd_or_none();
  if (fd < 0) throw here("cannot make a descriptor to wait with: ");
  return fd;
}

int Notifier::fd_or_none() noexcept {
  int fd = fd_.load();
  if (fd >= 0) return fd;
  fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return -1;
  int expected = -1;
  if (!fd_.compare_exchange_strong(expected, fd)) {
    ::close(fd);
    return expected;
  }
  if (rung_.load()) ring();  // it came before there was a descriptor to tell it
  return fd;
}

void Notifier::silence() noexcept {
  rung_.store(false);
  int fd = fd_.load();
  uint64_t count;
  if (fd >= 0) [[maybe_unused]]
    auto taken = ::read(fd, &count, sizeof count);
}

void WaitContext::check() const {
  if (interrupt == nullptr) return;
  if (interrupt->closed.load()) throw client_closed();
  if (interrupt->cancelled.load())
    throw Error(Status::kCancelled, "the operation was cancelled", true);
}

void WaitContext::signal_came() const {
  check();
  if (interrupt != nullptr && interrupt->on_signals)
    throw Error(Status::kInterrupted, "a signal arrived", true);
}

Ready wait_until_ready(int fd, short events, const WaitContext &limit) {
  pollfd polled[2] = {{fd, events, 0}, {-1, POLLIN, 0}};
  if (Interrupt *by = limit.interrupt)
    polled[1].fd = by->is_optional ? by->notifier.fd_or_none() : by->notifier.fd();
  for (;;) {
    limit.check();
    timespec left = time_left(limit);
    int count = ::ppoll(polled, 2, &left, nullptr);
    if (count < 0 && errno != EINTR) throw here("cannot wait: ");
    if (count < 0) limit.signal_came();
    if (count > 0 && polled[1].revents != 0) {
      limit.check();                        // other calls may wait with the same interrupt
      limit.interrupt->notifier.silence();  // before the next check: a later ring stays
      limit.check();
    }
    if (count > 0) return polled[0].revents != 0 ? Ready::kDescriptor : Ready::kNotified;
    if (limit.expired()) return Ready::kDeadline;
  }
}

}  // namespace redilock
