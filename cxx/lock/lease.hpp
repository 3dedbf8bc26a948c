// A lock that was granted: what is known of its lease, and the calls that change it. Does no I/O.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "lock/replies.hpp"
#include "values/telemetry.hpp"

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

class Lease : public std::enable_shared_from_this<Lease> {
 public:
  enum class State { kHeld, kLost, kReleased };

  // `end` is the local deadline. Renewals end at `renew_until`, which was `max_hold` ahead. With
  // `telemetry` it is counted as held, and how it ends.
  Lease(std::string name, Claim claim, int64_t fence, Instant end, Instant renew_until,
        Millis max_hold = Millis(0), Telemetry *telemetry = nullptr);
  ~Lease();
  Lease(const Lease &) = delete;
  Lease &operator=(const Lease &) = delete;

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
  // The server says that the token does not hold the lock.
  void lost(Instant now) noexcept;
  // Who holds the lock since then, as holding() of replies.hpp says it.
  void taken_by(const std::string &holding) noexcept;
  // True for the first of several.
  bool begin_release() noexcept;
  // The release was not carried out after all, or nobody knows: it may be asked for again.
  void release_failed(bool ambiguous) noexcept;
  void released() noexcept;
  // The token did not hold the lock any more.
  void released_late(Instant now) noexcept;
  bool release_was_ambiguous() const noexcept;

  // From any thread. A lease that has ended already calls nobody.
  void add(LeaseListener &listener) noexcept;
  void remove(LeaseListener &listener) noexcept;

  // How long the next renewal should last, or 0 for no more: lost, let go, over max_hold, or a
  // release was begun.
  Millis renewal_ttl(Instant now) const noexcept;
  // The handle is gone: no more renewals, and nobody to tell of a loss.
  void let_go() noexcept { let_go_.store(true); }
  bool is_let_go() const noexcept { return let_go_.load(); }

  // It is held no more, since then: the first time counts. Its losses do that by themselves.
  void count_end(Instant at) noexcept;
  bool is_counted() const noexcept { return counted_.load(); }

  // A release, extension or renewal ("renew") failed. `verb`: of static duration.
  void failed(const char *verb, const Error &cause) noexcept;
  // For the thread that renews it: the lease is looked at now, and next at `when`. If the thread
  // comes much later than that, the process did not run.
  void looked_at(Instant now) noexcept;
  void looks_at(Instant when) noexcept;
  // "lost: " and why, or "" if it was not lost.
  std::string loss(Instant now);
  // The same, or what the last release, extension or renewal failed with; "" for neither.
  std::string message(Instant now);

  // The client's tasks that look after it, to end with it; 0 for none.
  std::atomic<uint64_t> renewal_task{0}, watch_task{0};

 private:
  void ended() noexcept;
  void note_end(Instant now) noexcept;
  std::string loss_known() const;
  Stat cause_of_end(Instant now) const noexcept;
  std::string why_ended(Stat cause, Instant now) const;
  void count(Stat stat) noexcept;
  void log_loss() noexcept;

  const std::string name_;
  const Claim claim_;
  const int64_t fence_;
  const Instant renew_until_;
  const Millis max_hold_;
  Telemetry *const telemetry_;
  std::atomic<bool> let_go_{false};
  std::atomic<bool> counted_{false};
  std::atomic<bool> loss_noted_{false}, loss_logged_{false};
  mutable std::mutex mutex_;
  State state_ = State::kHeld;
  bool releasing_ = false;
  bool release_begun_ = false;
  bool ambiguous_ = false;
  LeaseListener *listeners_ = nullptr;
  Instant end_;
  Millis ttl_;  // of the last grant or extension
  Instant looks_at_ = kNever;
  // Why it was lost: the server said so, or its end has passed.
  bool taken_ = false;
  std::string loss_;  // who has taken it; or else why its end came
  // What failed last, and why.
  const char *failed_to_ = nullptr;
  std::string cause_;
};

}  // namespace redilock
