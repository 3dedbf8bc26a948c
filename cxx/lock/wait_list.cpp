#include "lock/wait_list.hpp"

#include <algorithm>

namespace redilock {

void WaitList::add(Waiter &waiter) { by_id_.emplace(waiter.id, &waiter); }

Waiter *WaitList::remove(Waiter &waiter) {
  by_id_.erase(waiter.id);
  auto found = groups_.find(waiter.key);
  if (waiter.arrival == 0 || found == groups_.end()) return nullptr;
  Group &group = found->second;
  const bool was_oldest = is_oldest(group, waiter);
  group.by_arrival.erase({waiter.arrival, &waiter});
  if (group.by_arrival.empty()) {
    groups_.erase(found);
    return nullptr;
  }
  return was_oldest ? group.by_arrival.begin()->second : nullptr;
}

Waiter *WaitList::find(std::string_view id) const {
  auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<Waiter *> WaitList::answered(Waiter &waiter, const Queued &queued, Instant now) {
  const bool place_was_lost = waiter.arrival != 0 && queued.joined;
  Group &group = groups_[waiter.key];
  group.by_arrival.emplace(queued.arrival, &waiter);
  if (waiter.arrival != queued.arrival) group.by_arrival.erase({waiter.arrival, &waiter});
  waiter.arrival = queued.arrival;
  // What became due after the request had left may have news of what the server did since.
  const auto came_meanwhile = [&](Instant due) { return due > queued.sent && due <= now; };
  if (!came_meanwhile(waiter.due))
    waiter.due = queued.ask_again ? after(now, kAfterExpiry) : kNever;
  if (is_oldest(group, waiter) && !came_meanwhile(group.due)) {
    group.due = after(now, kRecheck);
    if (queued.rank == 0 && queued.holder_ttl)
      group.due = std::min(group.due, after(now, Micros(*queued.holder_ttl) + kAfterExpiry));
    if (queued.rank == 0 && queued.foreign)
      group.due = std::min(group.due, after(now, foreign_interval_));
  }
  std::vector<Waiter *> others;
  if (!place_was_lost) return others;
  for (auto &[arrival, other] : group.by_arrival)
    if (other != &waiter && other->due > now) {
      other->due = now;
      others.push_back(other);
    }
  return others;
}

void WaitList::postpone(Waiter &waiter, Instant when) {
  waiter.due = when;
  auto found = groups_.find(waiter.key);
  if (found != groups_.end() && is_oldest(found->second, waiter)) found->second.due = when;
}

std::vector<Waiter *> WaitList::all_due(Instant now) {
  std::vector<Waiter *> oldest;
  for (auto &[key, group] : groups_) {
    if (group.by_arrival.empty()) continue;  // its first had no memory
    group.due = now;
    oldest.push_back(group.by_arrival.begin()->second);
  }
  return oldest;
}

Instant WaitList::due(const Waiter &waiter) const {
  auto found = groups_.find(waiter.key);
  if (found == groups_.end() || !is_oldest(found->second, waiter)) return waiter.due;
  return std::min(waiter.due, found->second.due);
}

bool WaitList::is_oldest(const Group &group, const Waiter &waiter) const {
  return !group.by_arrival.empty() && group.by_arrival.begin()->second == &waiter;
}

}  // namespace redilock
