#include "wire/resolver.hpp"

#include <netdb.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "values/process.hpp"
#include "values/system_error.hpp"
#include "wire/thread.hpp"
#include "wire/wait.hpp"

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

}  // namespace

// What the looking thread and those who wait for it share. They may be gone before the answer
// comes.
struct Resolution::LookUp {
  std::mutex mutex;
  int code = EAI_MEMORY;
  int error = 0;  // errno, for EAI_SYSTEM
  bool done = false;
  std::vector<Address> found;
  Notifier finished;
};

// The look-ups under way: while a name server is silent, attempt follows attempt, and each look-up
// keeps its thread for as long as getaddrinfo likes. Never destroyed: its threads outlive exit().
class Resolution::Pending {
 public:
  explicit Pending(Pending *before) : before_(before) {}

  // In the child of a fork another one than the parent's, whose threads do not exist there and
  // whose mutex may be locked for ever.
  static Pending &of_this_process() {
    static std::atomic<Pending *> newest{nullptr};
    Pending *one = newest.load();
    while (one == nullptr || one->owner_ != process_id()) {
      auto made = std::make_unique<Pending>(one);
      if (newest.compare_exchange_strong(one, made.get())) return *made.release();
    }
    return *one;
  }

  std::shared_ptr<LookUp> join(const std::string &host, uint16_t port) {
    std::lock_guard lock(mutex_);
    const auto [at, added] = look_ups_.try_emplace({host, port});
    if (!added) return at->second;
    try {
      auto look = std::make_shared<LookUp>();
      look->finished.fd();
      // Left to itself: getaddrinfo cannot be broken off, and all that the thread touches is kept.
      start_thread([this, place = at, look] { run(place, *look); }).detach();
      return at->second = std::move(look);
    } catch (...) {
      look_ups_.erase(at);
      throw;
    }
  }

 private:
  using LookUps = std::map<std::pair<std::string, uint16_t>, std::shared_ptr<LookUp>>;

  void run(LookUps::iterator at, LookUp &look) noexcept {
    std::vector<Address> found;
    int code = EAI_MEMORY, error = 0;
    try {
      code = look_up(at->first.first, at->first.second, 0, found);
      error = errno;
    } catch (const std::bad_alloc &) {
      code = EAI_MEMORY;
    }
    {
      std::lock_guard lock(mutex_);
      look_ups_.erase(at);  // before it is told: who asks then wants to know it anew
    }
    std::lock_guard lock(look.mutex);
    look.code = code;
    look.error = error;
    look.found.swap(found);
    look.done = true;
    look.finished.ring();
  }

  const pid_t owner_ = process_id();
  [[maybe_unused]] Pending *const before_;  // known, and so no leak
  std::mutex mutex_;
  LookUps look_ups_;
};

Resolution::Resolution(const Endpoint &endpoint)
    : host_(endpoint.host), endpoint_(endpoint.text()) {
  if (endpoint.is_unix()) {
    known_ = {unix_address(endpoint.socket_path)};
    return;
  }
  if (look_up(host_, endpoint.port, AI_NUMERICHOST, known_) == 0 && !known_.empty()) return;
  look_up_ = Pending::of_this_process().join(host_, endpoint.port);
  fd_ = look_up_->finished.fd();
}

std::vector<Address> Resolution::addresses() {
  if (!look_up_) return known_;
  std::lock_guard lock(look_up_->mutex);
  if (!look_up_->done) return {};
  if (look_up_->code == EAI_SYSTEM) throw failure(system_error_text(look_up_->error));
  if (look_up_->code != 0) throw failure(::gai_strerror(look_up_->code));
  if (look_up_->found.empty()) throw failure("it has no address");
  return look_up_->found;
}

Error Resolution::late() const { return failure("no answer in time"); }

Error Resolution::failure(const std::string &why) const {
  return Error(Status::kUnavailable, "cannot resolve " + endpoint_ + ": " + why, true)
      .saying_where();
}

}  // namespace redilock
