// When one place in a queue asks the server again (docs/protocol.md, "Re-checking"). Most places
// ask seldom: the server notifies the waiter that gets the lock and the one that becomes the head.
// Each rule here heals a lost message or a dead client. No I/O, no locking.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lock/replies.hpp"
#include "values/clock.hpp"

namespace redilock {

class RecheckTimes {
 public:
  static constexpr Micros kFirst{2000000};         // after the join
  static constexpr Micros kMinEarly{20000};        // after the join, for short leases
  static constexpr Micros kAfterLease{1000};       // after the end of the holder's lease
  static constexpr Micros kPerDeputy{500000};      // for each place before a deputy
  static constexpr int64_t kDeputies = 3;          // ranks 1 to 3
  static constexpr Micros kPerPlace{100000};       // at most 10 places of a client ask in a second,
  static constexpr Micros kMinBackstop{2000000};   // each after 2 s or later,
  static constexpr Micros kMaxBackstop{60000000};  // but at least once a minute
  static constexpr Micros kBetweenPushes{
      1000000};  // pushes cause at most one re-check in this time

  // `interval`: between re-checks behind a foreign holder, and of a client that polls.
  struct Client {
    Micros interval;
    bool polls;     // pub/sub does not reach it
    size_t places;  // of the whole client
  };

  // `ttl`: of the waiter's own lease.
  explicit RecheckTimes(Micros ttl) : early_span_(std::max(ttl, kMinEarly)) {}

  // The reply to a join or re-check.
  void on_reply(const Queued &queued, const Client &client, Instant now);
  // The server notified this waiter that it is the head; `when` it is to re-check.
  void on_next(Instant when, Instant now);
  // A push that is no valid grant. The server's word counts.
  void on_doubtful_push(Instant now);
  void ask_at(Instant when, Instant now);
  // When it asks after a loss, a new subscription or a failure; kNever if it has no such reason.
  Instant asks_at() const noexcept { return extra_; }
  // A request failed and is repeated at `when`; kNever if another waiter finds out first whether
  // the server works again.
  void on_failure(Instant when, Instant now);
  // The client's earlier places in this queue are gone.
  void on_becoming_first(const Client &client, Instant now);

  // When to ask. `is_first`: of the client's places in one queue only the first needs all rules,
  // because the server grants them in order.
  Instant due(bool is_first) const noexcept;

 private:
  void schedule_after_push(Instant when, Instant now);
  static Micros backstop(const Client &client) noexcept;
  static Micros part_of(Micros span, int64_t arrival) noexcept;

  const Micros early_span_;
  bool joined_ = false;
  Instant first_ = kNever;     // rule 1: once, whatever asked before
  Instant early_ = kNever;     // rule 1, once more before that if leases are shorter
  Instant head_ = kNever;      // rule 2: when the holder's lease ends
  Instant deputy_ = kNever;    // rule 2b: later, in case the places before are dead
  Instant extra_ = kNever;     // rule 3 and retries: after a loss, a subscription, a failure
  Instant backstop_ = kNever;  // rule 4
  Instant push_ = kNever;      // because of a push
  // When the last two were set: a request that was sent before does not satisfy them.
  Instant extra_set_{}, push_set_{};
  std::optional<Instant> last_push_check_;
};

}  // namespace redilock
