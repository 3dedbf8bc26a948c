// Looks after granted leases: renews them, watches for their loss, and ends them. On the service
// thread and without waiting, unless it says otherwise.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "client/rollback.hpp"
#include "lock/extend_machine.hpp"
#include "lock/lease.hpp"
#include "lock/release_machine.hpp"
#include "values/outcome.hpp"

namespace redilock {

// The lease, or why it was not granted; neither while the acquire is under way.
struct AcquireResult {
  Outcome outcome;
  std::shared_ptr<Lease> lease;
};

class LeaseKeeper {
 public:
  explicit LeaseKeeper(ClientContext &context) : context_(context), rollback_(context) {}

  // The lease of a grant.
  std::shared_ptr<Lease> lease(const RequestOptions &request, const Claim &claim,
                               const Granted &granted);
  // Renews it from now on if the request says so: its caller has it. Throws Error(kUnavailable),
  // Error(kClosed).
  void keep(const std::shared_ptr<Lease> &lease, const RequestOptions &request);

  // Calls `on_end` on the service thread, once: true if the lease was lost, false if its release
  // began before. It ends without a call when the handle or the client goes, or by forget().
  using OnEnd = std::function<void(bool lost)>;
  uint64_t watch(const std::shared_ptr<Lease> &lease, OnEnd on_end);
  void forget(uint64_t watch) noexcept { context_.event_loop.cancel(watch); }

  // Any thread. Both end all that is done for it here.
  bool begin_release(Lease &lease) noexcept;
  void let_go(Lease &lease) noexcept;
  // Releases it in the background, for as long as it may be held.
  void drop(Lease &lease) noexcept;
  // Any thread. What the end of a release means for its lease, and the outcome for the caller. A
  // release that the server may have executed without a reply is repeated.
  Outcome end_release(Lease &lease, const ReleaseMachine &release);
  // Any thread. Why the lease can't be extended: it was released or lost. Nothing if it can.
  std::optional<Error> why_ended(Lease &lease) const;
  // As end_release().
  Outcome end_extension(Lease &lease, const ExtendMachine &extension);

  // Takes back what nobody knows the outcome of.
  Rollback &rollback() noexcept { return rollback_; }

 private:
  struct Renewal;
  class Watch;

  std::optional<Instant> renew_once(const std::shared_ptr<Renewal> &renewal);
  void renewed(Renewal &renewal, const ExtendMachine &extension);
  void renewal_failed(Renewal &renewal, const Error &error) noexcept;
  void released(Lease &lease, bool owned, Instant at) noexcept;
  void release_failed(Lease &lease, const Unanswered &why) noexcept;
  bool extended(Lease &lease, const ExtendMachine &extension) noexcept;
  void lost(Lease &lease) noexcept;
  void ask_for_holder(const std::shared_ptr<Lease> &lease);
  void end(const Lease &lease) noexcept;

  ClientContext &context_;
  Rollback rollback_;
};

}  // namespace redilock
