// Names to addresses, within a deadline: getaddrinfo has none, so it runs on a thread of its own.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "values/url.hpp"
#include "wire/limit.hpp"

namespace redilock {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const noexcept { return storage.ss_family; }
};

// Every address of the endpoint, in the order to try them; never empty.
// Throws Error(kUnavailable) where the name does not resolve in time, Error(kInvalid) for a socket
// path that is too long.
std::vector<Address> resolve(const Endpoint &endpoint, const Limit &limit);

}  // namespace redilock
