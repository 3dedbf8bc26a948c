// What a client of the C ABI owns, and how its calls go: the fast path on the caller's thread, the
// wait in the queue, renewal and undoing on the service thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>

#include "client/service.hpp"
#include "client/wake_channel.hpp"
#include "lock/commands.hpp"
#include "lock/lease.hpp"
#include "values/options.hpp"
#include "values/token.hpp"
#include "values/url.hpp"

namespace redilock {

// What a caller may learn of a request under way and how it may end it.
struct Call {
  Interrupt *interrupt = nullptr;
  std::atomic<int64_t> *position = nullptr;  // place in the queue, 1 is the next
};

// The lease, or why there is none: kHeld or kTimeout.
struct Acquired {
  Status status;
  std::shared_ptr<Lease> lease;
};

class Client {
 public:
  Client(Endpoint endpoint, ClientOptions options, const Clock &clock = system_clock());
  ~Client();

  const ClientOptions &options() const noexcept { return options_; }
  const Clock &clock() const noexcept { return clock_; }
  // Throws Error(kForked), Error(kClosed).
  void check_usable() const;
  // In the child of a fork, whose threads do not exist and whose mutexes may be locked for ever.
  bool is_forked() const noexcept;

  // All of these block, as options and limits say, and throw Error.
  Acquired acquire(const RequestOptions &request, const Call &call);
  Status release(Lease &lease, const Call &call);
  Status extend(Lease &lease, Millis ttl, const Call &call);
  Status release_token(const RequestOptions &request, const Call &call);
  Status extend_token(const RequestOptions &request, const Call &call);
  Status force_release(const RequestOptions &request, const Call &call);
  LockInfo info(const RequestOptions &request, const Call &call);

  // A page of lock names, as Commands::list, without the prefix.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const Call &call);

  // Ends the service and the connections; every later call says CLOSED.
  void close() noexcept;

 private:
  friend class Acquisition;
  Claim claim(const RequestOptions &request);
  std::shared_ptr<Lease> lease(const RequestOptions &request, const Claim &claim,
                               const Granted &granted);
  void renew(const std::shared_ptr<Lease> &lease);
  std::optional<Instant> renew_once(Lease &lease, Interrupt &interrupt);
  void undo(const Claim &claim) noexcept;
  std::optional<Instant> undo_once(const Claim &claim, Instant end, Interrupt &interrupt);
  LockKeys keys_of(const RequestOptions &request) const;

  const pid_t owner_;
  const Clock &clock_;
  const ClientOptions options_;
  std::atomic<bool> closed_{false};
  RandomIds ids_;
  Server server_;
  Commands commands_;
  WakeChannel wake_;
  Service service_;
};

}  // namespace redilock
