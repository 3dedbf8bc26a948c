#include "wire/dialer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "values/status.hpp"
#include "values/system_error.hpp"

namespace redilock {

namespace {

// A peer that vanished without a word is noticed after about 20 s on an idle connection.
constexpr int kKeepAliveIdle = 10;
constexpr int kKeepAliveInterval = 3;
constexpr int kKeepAliveProbes = 3;

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

void tune_tcp(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdle);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveInterval);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

}  // namespace

Dialer::Dialer(const Endpoint &endpoint, const Clock &clock, Instant deadline)
    : clock_(clock),
      deadline_(deadline),
      endpoint_(endpoint.text()),
      resolving_(endpoint),
      share_end_(deadline) {}

pollfd Dialer::wanted() const noexcept {
  if (fd_) return {fd_.get(), POLLOUT, 0};
  return {resolving_.fd(), POLLIN, 0};
}

std::optional<Socket> Dialer::step() {
  if (addresses_.empty()) addresses_ = resolving_.addresses();
  if (addresses_.empty() && clock_.now() >= deadline_) throw resolving_.late();
  if (addresses_.empty()) return std::nullopt;
  for (;;) {
    const int error = fd_ ? progress() : begin();
    if (error == EINPROGRESS) return std::nullopt;
    const bool is_unix = addresses_[tried_ - 1].family() == AF_UNIX;
    if (error == 0) return Socket(std::move(fd_), is_unix);
    fd_.reset();
    if (tried_ == addresses_.size())
      throw Error(Status::kUnavailable,
                  "cannot connect to " + endpoint_ + ": " + system_error_text(error), true)
          .saying_where();
  }
}

// Both: 0, EINPROGRESS, or why this address does not work. One that swallows the SYN must not use
// up the time of the next: each has an equal share of what is left.
int Dialer::begin() {
  const Address &address = addresses_[tried_++];
  fd_.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;  // of this family perhaps: the next address may be of another
  if (address.family() != AF_UNIX) tune_tcp(fd_.get());
  const auto left = static_cast<int64_t>(addresses_.size() - tried_ + 1);
  const Instant now = clock_.now();
  if (deadline_ != kNever) share_end_ = now + (deadline_ - now) / left;
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr *>(&address.storage), address.length) ==
      0)
    return 0;
  return errno == EINTR ? EINPROGRESS : errno;
}

int Dialer::progress() const {
  pollfd polled{fd_.get(), POLLOUT, 0};
  if (::poll(&polled, 1, 0) <= 0) return clock_.now() < share_end_ ? EINPROGRESS : ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

}  // namespace redilock
