// Names to addresses, without waiting: getaddrinfo cannot be broken off, so it runs on a thread of
// its own. While it looks for a name, whoever else asks for the same one waits for the same thread.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "values/status.hpp"
#include "values/url.hpp"

namespace redilock {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const noexcept { return storage.ss_family; }
};

class Resolution {
 public:
  // Throws Error(kInvalid) for a socket path that is too long, Error(kUnavailable) where no thread
  // or descriptor is left.
  explicit Resolution(const Endpoint &endpoint);

  // Readable once there is an answer; -1 where there is one from the start.
  int fd() const noexcept { return fd_; }
  // Every address of the endpoint, in the order to try them; none before there is an answer. Throws
  // Error(kUnavailable) where the name does not resolve.
  std::vector<Address> addresses();
  // What to throw where nobody waits any longer.
  Error late() const;

 private:
  struct LookUp;
  class Pending;
  Error failure(const std::string &why) const;

  const std::string host_, endpoint_;
  std::vector<Address> known_;
  std::shared_ptr<LookUp> look_up_;
  int fd_ = -1;
};

}  // namespace redilock
