// Who waits in this client: the places of its waiters, grouped by lock, and the client's liveness
// record at the server. Decides which waiters ask the server when (RecheckTimes says when one
// does), and which others must ask after a loss. No I/O, no locking.
#pragma once

#include <array>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lock/recheck.hpp"
#include "lock/replies.hpp"
#include "values/clock.hpp"

namespace redilock {

// One waiter; lives as long as its wait.
struct Waiter {
  Waiter(std::string token_id, std::string_view lock_key, Millis ttl)
      : id(std::move(token_id)), key(lock_key), times(ttl) {}
  virtual ~Waiter() = default;

  const std::string id;   // of its token
  const std::string key;  // the lock key
  int64_t arrival = 0;    // 0 until the server gave it a place
  RecheckTimes times;
  bool refused = false;   // its request failed; it asks once another one has succeeded
  Instant lost = kNever;  // since when its place may be lost, which its next reply settles
};

class WaitList {
 public:
  // A client whose requests fail asks the server this often, with one waiter for all.
  static constexpr Micros kRetry{250000};
  // When the server works again, so many of the others ask in a second.
  static constexpr Micros kBetweenRetries{5000};

  explicit WaitList(Micros interval) : interval_(interval) {}

  void add(Waiter &waiter);
  // Returns up to two waiters whose times have changed, or null: the next in this queue, and the
  // one that now finds out whether the server works again.
  std::array<Waiter *, 2> remove(Waiter &waiter, Instant now);
  Waiter *find(std::string_view id) const;
  bool empty() const noexcept { return by_id_.empty(); }
  bool has_places() const noexcept { return places_ > 0; }
  // From now on the client polls, under another channel: all places move there.
  std::vector<Waiter *> poll_from(Instant now);

  // The server's reply to a join or re-check. Returns the other waiters whose times have changed.
  std::vector<Waiter *> answered(Waiter &waiter, const Queued &queued, Instant now);
  std::vector<Waiter *> granted(Waiter &waiter, Instant now);
  std::vector<Waiter *> beat_answered(bool known, Instant now);
  // A beat, join or re-check had no reply: it may have written the record or the place, so that the
  // next reply does not show their loss.
  void reply_missed() noexcept { reply_missed_ = true; }
  // A request of this waiter failed and has to be repeated.
  void failed(Waiter &waiter, Instant now);
  // The subscription is new, and messages may have been missed. Returns the first place of each
  // queue: it asks at once. A grant or `next` goes to the first place of a client before any other.
  // If places have joined again since the last subscription, all places ask.
  std::vector<Waiter *> subscribed(Instant now);

  // When this waiter must ask the server; kNever for one that only waits to be woken.
  Instant due(const Waiter &waiter) const;

 private:
  using Group = std::set<std::pair<int64_t, Waiter *>>;  // a server may give an arrival twice

  RecheckTimes::Client client() const noexcept { return {interval_, polls_, places_}; }
  bool is_first(const Group &group, const Waiter &waiter) const;
  bool record_is_lost(bool known) noexcept;
  void all_lost(const Waiter *except, Instant now, std::vector<Waiter *> &changed);
  void server_works(Waiter &waiter, Instant now, std::vector<Waiter *> &changed);

  const Micros interval_;
  bool polls_ = false;
  size_t places_ = 0;
  bool record_written_ = false;
  bool reply_missed_ = false;
  bool rejoined_ = false;     // a place that the server had lost, since the last subscription
  Instant subscribed_at_{};   // the last one
  Waiter *prober_ = nullptr;  // asks for all that were refused
  size_t refused_ = 0;
  std::unordered_map<std::string, Waiter *> by_id_;
  std::unordered_map<std::string, Group> groups_;
};

}  // namespace redilock
