// What a client does in the background, on the service thread and without waiting: renewals,
// telling of losses, and taking back claims whose outcome is not known.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "client/parts.hpp"
#include "lock/extending.hpp"
#include "lock/lease.hpp"
#include "lock/releasing.hpp"

namespace redilock {

// The lease, or why there is none.
struct Acquired {
  Error why;
  std::shared_ptr<Lease> lease;
};

class Upkeep {
 public:
  explicit Upkeep(Parts &parts) : parts_(parts) {}

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
  void forget(uint64_t watch) noexcept { parts_.service.cancel(watch); }

  // Any thread. Both end all that is done for it here.
  bool begin_release(Lease &lease) noexcept;
  void let_go(Lease &lease) noexcept;
  // Releases it in the background, for as long as it may be held.
  void drop(Lease &lease) noexcept;
  // Any thread. What the end of a release means for its lease, and the outcome for the caller. A
  // release that the server may have executed without a reply is repeated.
  Error end_release(Lease &lease, const Releasing &release);
  // Any thread. Why the lease can't be extended: it was released or lost. Nothing if it can.
  std::optional<Error> why_ended(Lease &lease) const;
  // As end_release().
  Error end_extension(Lease &lease, const Extending &extension);

  // Counts a request with an unknown outcome, and takes its claim back.
  void roll_back(const char *verb, std::string_view name, const Claim &claim,
                 const Error &cause) noexcept;
  // Takes a claim back until it surely has been; any thread.
  void undo(const Claim &claim) noexcept;
  // The same, at first on the caller's thread and for a second at most: that the service thread
  // cannot be started may be why nobody has the claim.
  void undo_here(const Claim &claim) noexcept;

 private:
  struct Renewal;
  struct Undo;
  class Watch;

  std::optional<Instant> renew_once(const std::shared_ptr<Renewal> &renewal);
  void renewed(Renewal &renewal, const Extending &extension);
  void renewal_failed(Renewal &renewal, const Error &error) noexcept;
  void released(Lease &lease, bool owned, Instant at) noexcept;
  void release_failed(Lease &lease, const Unanswered &why) noexcept;
  bool extended(Lease &lease, const Extending &extension) noexcept;
  void lost(Lease &lease) noexcept;
  void ask_for_holder(const std::shared_ptr<Lease> &lease);
  void end(const Lease &lease) noexcept;
  std::optional<Instant> undo_once(const std::shared_ptr<Undo> &undo);
  bool is_undone(const Undo &undo) const;

  Parts &parts_;
};

}  // namespace redilock
