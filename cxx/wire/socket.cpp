#include "wire/socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "values/status.hpp"
#include "values/system_error.hpp"

namespace redilock {

namespace {

constexpr Micros kPatience{10000};

[[noreturn]] void unavailable(const std::string &what) {
  throw Error(Status::kUnavailable, what, true);
}

// From here on it blocks: recv alone waits for a reply for kPatience, without the price of a poll.
// A cancel is noticed after that, when poll waits for the descriptor and the cancel both. Not so
// for unix sockets, where poll and recv together turned out to be the faster way.
void make_patient(int fd) {
  const timeval patience{0, kPatience.count()};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::fcntl(fd, F_SETFL, 0);
}

}  // namespace

Socket::Socket(Fd fd, bool is_unix) noexcept : fd_(std::move(fd)), is_unix_(is_unix) {
  if (!is_unix_) make_patient(fd_.get());
}

std::optional<pid_t> Socket::peer_process() const noexcept {
  if (!is_unix_) return std::nullopt;
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
}

void Socket::send(std::string_view bytes, const WaitContext &limit) {
  for (;;) {
    bytes.remove_prefix(send_now(bytes));
    if (bytes.empty()) return;
    if (wait_until_ready(fd_.get(), POLLOUT, limit) == Ready::kDeadline)
      unavailable("send timed out");
  }
}

size_t Socket::send_now(std::string_view bytes) {
  size_t total = 0;
  while (total < bytes.size()) {
    ssize_t sent =
        ::send(fd_.get(), bytes.data() + total, bytes.size() - total, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      total += static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      if (total > 0) break;  // the next call says why
      unavailable("cannot send: " + system_error_text(errno));
    }
  }
  return total;
}

size_t Socket::receive(char *buffer, size_t size, const WaitContext &limit) {
  limit.check();
  if (!is_unix_ && limit.clock.now() + kPatience < limit.deadline) {
    if (size_t count = take(buffer, size, 0)) return count;
    if (errno == EINTR) limit.signal_came();
  }
  for (;;) {
    if (wait_until_ready(fd_.get(), POLLIN, limit) == Ready::kDeadline)
      unavailable("the server did not answer in time");
    if (size_t count = receive_now(buffer, size)) return count;
  }
}

size_t Socket::receive_now(char *buffer, size_t size) { return take(buffer, size, MSG_DONTWAIT); }

// 0 where nothing came, with errno telling why.
size_t Socket::take(char *buffer, size_t size, int flags) {
  ssize_t count = ::recv(fd_.get(), buffer, size, flags);
  if (count > 0) return static_cast<size_t>(count);
  if (count == 0) unavailable("the server closed the connection");
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  unavailable("cannot receive: " + system_error_text(errno));
}

}  // namespace redilock
