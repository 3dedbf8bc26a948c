// Who waits in this client, and when the server is to be asked again. Of the waiters of one name
// only the oldest asks, as one re-check renews the client's record for all of them. No I/O, no
// locking.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lock/commands.hpp"
#include "values/clock.hpp"

namespace redilock {

// One waiter; lives as long as its wait.
struct Waiter {
  Waiter(std::string token_id, std::string lock_key)
      : id(std::move(token_id)), key(std::move(lock_key)) {}
  virtual ~Waiter() = default;

  const std::string id;   // of its token
  const std::string key;  // the lock key
  int64_t arrival = 0;    // 0 until the server gave it a place
  Instant due = kNever;   // when it must ask although it is not the oldest
};

class WaitList {
 public:
  // How long a place may go without a re-check, and how soon a head asks after the holder's lease
  // ended.
  static constexpr Micros kRecheck{2000000};
  static constexpr Micros kAfterExpiry{1000};

  explicit WaitList(Micros foreign_interval) : foreign_interval_(foreign_interval) {}

  void add(Waiter &waiter);
  // Returns the waiter that is now the oldest of the name and must be told, or null.
  Waiter *remove(Waiter &waiter);
  Waiter *find(std::string_view id) const;
  bool empty() const noexcept { return by_id_.empty(); }

  // The server's answer to a join or re-check. Returns those who must ask now as well: the place
  // was lost, so theirs were too.
  std::vector<Waiter *> answered(Waiter &waiter, const Queued &queued, Instant now);
  // Asking failed; it is done again at `when`.
  void postpone(Waiter &waiter, Instant when);
  // Every name is asked for now: wake-ups may have been missed. Returns those who must ask.
  std::vector<Waiter *> all_due(Instant now);

  // When this waiter must ask the server; kNever for one that only waits to be woken.
  Instant due(const Waiter &waiter) const;

 private:
  struct Group {
    std::set<std::pair<int64_t, Waiter *>> by_arrival;  // a server may give an arrival twice
    Instant due = kNever;
  };
  bool is_oldest(const Group &group, const Waiter &waiter) const;

  const Micros foreign_interval_;
  std::unordered_map<std::string, Waiter *> by_id_;
  std::unordered_map<std::string, Group> groups_;
};

}  // namespace redilock
