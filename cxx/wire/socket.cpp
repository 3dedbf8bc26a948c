#include "wire/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "values/status.hpp"
#include "wire/resolver.hpp"

namespace redilock {

namespace {

// A peer that vanished without a word is noticed after about 20 s on an idle connection.
constexpr int kKeepAliveIdle = 10;
constexpr int kKeepAliveInterval = 3;
constexpr int kKeepAliveProbes = 3;
constexpr Micros kPatience{10000};

[[noreturn]] void unavailable(const std::string &what) {
  throw Error(Status::kUnavailable, what, true);
}

std::string error_text(int error) {
  char buffer[128];
  return ::strerror_r(error, buffer, sizeof buffer);  // GNU's: returns the text
}

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

// From here on it blocks: recv alone waits for a reply for kPatience, without the price of a poll.
// A cancel is noticed after that, when poll waits for the descriptor and the cancel both. Not so
// for unix sockets, where poll and recv together turned out to be the faster way.
void make_patient(int fd) {
  const timeval patience{0, kPatience.count()};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::fcntl(fd, F_SETFL, 0);
}

// 0, or the errno of why this address does not work.
int connect_one(int fd, const Address &address, const Limit &limit) {
  if (::connect(fd, reinterpret_cast<const sockaddr *>(&address.storage), address.length) == 0)
    return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  Ready ready = Ready::kNotified;
  while (ready == Ready::kNotified) ready = wait_until_ready(fd, POLLOUT, limit);
  if (ready == Ready::kDeadline) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// An equal share of what is left for each address still to be tried: one that swallows the SYN must
// not use up the time of the next.
Instant share_of(const Limit &limit, size_t addresses_left) {
  if (limit.deadline == kNever) return kNever;
  Instant now = limit.clock.now();
  return now + (limit.deadline - now) / static_cast<int64_t>(addresses_left);
}

}  // namespace

Socket Socket::connect(const Endpoint &endpoint, const Limit &limit) {
  auto addresses = resolve(endpoint, limit);
  int error = 0;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const Address &address = addresses[i];
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
      error = errno;  // of this family perhaps: the next address may be of another
      continue;
    }
    if (address.family() != AF_UNIX) tune_tcp(fd.get());
    error = connect_one(fd.get(), address, limit.until(share_of(limit, addresses.size() - i)));
    if (error != 0) continue;
    const bool patient = address.family() != AF_UNIX;
    if (patient) make_patient(fd.get());
    return Socket(std::move(fd), patient);
  }
  unavailable("cannot connect to " + endpoint.text() + ": " + error_text(error));
}

void Socket::send(std::string_view bytes, const Limit &limit) {
  for (;;) {
    bytes.remove_prefix(send_now(bytes));
    if (bytes.empty()) return;
    if (wait_until_ready(fd_.get(), POLLOUT, limit) == Ready::kDeadline)
      unavailable("the server takes no request");
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
      unavailable("cannot send: " + error_text(errno));
    }
  }
  return total;
}

size_t Socket::receive(char *buffer, size_t size, const Limit &limit) {
  limit.check();
  if (patient_ && limit.clock.now() + kPatience < limit.deadline) {
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
  unavailable("cannot receive: " + error_text(errno));
}

}  // namespace redilock
