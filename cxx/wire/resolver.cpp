#include "wire/resolver.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <mutex>

#include "values/status.hpp"
#include "wire/thread.hpp"

namespace redilock {

namespace {

Address unix_address(const std::string &path) {
  Address address;
  auto *name = reinterpret_cast<sockaddr_un *>(&address.storage);
  if (path.size() >= sizeof name->sun_path)
    throw Error(Status::kInvalid, "url: the socket's path is too long");
  name->sun_family = AF_UNIX;
  std::memcpy(name->sun_path, path.c_str(), path.size() + 1);
  address.length = sizeof *name;
  return address;
}

// One getaddrinfo call and its result; `flags` may add AI_NUMERICHOST. Returns its EAI_ code.
int look_up(const std::string &host, uint16_t port, int flags, std::vector<Address> &found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo *list = nullptr;
  int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  std::unique_ptr<addrinfo, void (*)(addrinfo *)> owner(list, [](addrinfo *l) {
    if (l != nullptr) ::freeaddrinfo(l);
  });
  for (addrinfo *item = list; code == 0 && item != nullptr; item = item->ai_next) {
    Address address;
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.length = item->ai_addrlen;
    found.push_back(address);
  }
  return code;
}

// What the looking thread and the caller share. The caller may be gone before the answer comes.
struct LookUp {
  std::string host;
  uint16_t port = 0;
  std::mutex mutex;
  int code = 0;
  bool done = false;
  std::vector<Address> found;
  Notifier finished;
};

void run(const std::shared_ptr<LookUp> &look) noexcept {
  std::vector<Address> found;
  int code = EAI_MEMORY;
  try {
    code = look_up(look->host, look->port, 0, found);
  } catch (const std::bad_alloc &) {
    code = EAI_MEMORY;
  }
  std::lock_guard lock(look->mutex);
  look->code = code;
  look->found.swap(found);
  look->done = true;
  look->finished.ring();
}

[[noreturn]] void fail(const Endpoint &endpoint, const char *why) {
  throw Error(Status::kUnavailable, "cannot resolve " + endpoint.host + ": " + why, true);
}

}  // namespace

std::vector<Address> resolve(const Endpoint &endpoint, const Limit &limit) {
  if (endpoint.is_unix()) return {unix_address(endpoint.socket_path)};
  std::vector<Address> found;
  if (look_up(endpoint.host, endpoint.port, AI_NUMERICHOST, found) == 0 && !found.empty())
    return found;

  auto look = std::make_shared<LookUp>();
  look->host = endpoint.host;
  look->port = endpoint.port;
  int finished = look->finished.fd();
  // Left to itself: getaddrinfo cannot be broken off, and all that the thread touches is `look`.
  start_thread([look] { run(look); }).detach();

  Ready ready = Ready::kNotified;
  while (ready == Ready::kNotified) ready = wait_until_ready(finished, POLLIN, limit);
  if (ready == Ready::kDeadline) fail(endpoint, "no answer in time");
  std::lock_guard lock(look->mutex);
  if (look->code != 0) fail(endpoint, ::gai_strerror(look->code));
  if (look->found.empty()) fail(endpoint, "it has no address");
  return look->found;
}

}  // namespace redilock
