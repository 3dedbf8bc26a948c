// A lock that was granted: what is known of its lease, and the calls that change it. Does no I/O.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "lock/commands.hpp"

namespace redilock {

// Who wants to know at once that a lease was lost or released.
class LeaseListener {
 public:
  virtual ~LeaseListener() = default;
  // On the thread that found out, which may be any. Must not use the lease.
  virtual void lease_ended() noexcept = 0;

 private:
  friend class Lease;
  LeaseListener *next_ = nullptr;
};

class Lease {
 public:
  enum class State { kHeld, kLost, kReleased };

  // `end` is the local deadline; `max_hold` counts from `now`.
  Lease(std::string name, Claim claim, int64_t fence, Instant end, Instant renew_until);

  const std::string &name() const noexcept { return name_; }
  const Claim &claim() const noexcept { return claim_; }
  int64_t fence() const noexcept { return fence_; }

  // 0 unless it is surely held now.
  Micros remaining(Instant now) const noexcept;
  Instant end() const noexcept;
  // A lease whose end has passed is lost, whatever the server would say.
  State state(Instant now) const noexcept;
  // Whether a release of it was begun, even one that failed: nothing more is done to keep it.
  bool release_begun() const noexcept;
  // Lost, and not by a release.
  bool is_lost(Instant now) const noexcept;

  // The server extended it to last `ttl` from `anchor`. Never shortens it, never revives a lost
  // one.
  void extended(Instant anchor, Millis ttl, Instant now) noexcept;
  void lost() noexcept;
  // True for the first of several.
  bool begin_release() noexcept;
  // The release was not carried out after all, or nobody knows: it may be asked for again.
  void release_failed(bool ambiguous) noexcept;
  void released() noexcept;
  bool release_was_ambiguous() const noexcept;

  // From any thread. Of a lease that has ended already nothing is heard.
  void add(LeaseListener &listener) noexcept;
  void remove(LeaseListener &listener) noexcept;

  // How long the next renewal should last, or 0 for no more: lost, let go, over max_hold, or a
  // release was begun.
  Millis renewal_ttl(Instant now) const noexcept;
  // The handle is gone: no more renewals, and nobody to tell of a loss.
  void let_go() noexcept { let_go_.store(true); }
  bool is_let_go() const noexcept { return let_go_.load(); }

  // The client's tasks that look after it, to end with it; 0 for none.
  std::atomic<uint64_t> renewal_task{0}, watch_task{0};

 private:
  void ended() noexcept;

  const std::string name_;
  const Claim claim_;
  const int64_t fence_;
  const Instant renew_until_;
  std::atomic<bool> let_go_{false};
  mutable std::mutex mutex_;
  State state_ = State::kHeld;
  bool releasing_ = false;
  bool release_begun_ = false;
  bool ambiguous_ = false;
  LeaseListener *listeners_ = nullptr;
  Instant end_;
};

}  // namespace redilock
