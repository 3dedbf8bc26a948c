// Keeps the places of a client's waiters, and notices when the server has lost them.
#include "lock/wait_list.hpp"

#include <algorithm>
#include <utility>

namespace redilock {

void WaitList::add(Waiter &waiter) { by_id_.emplace(waiter.id, &waiter); }

std::array<Waiter *, 2> WaitList::remove(Waiter &waiter, Instant now) {
  std::array<Waiter *, 2> changed{};
  by_id_.erase(waiter.id);
  if (waiter.refused) --refused_;
  if (prober_ == &waiter) {
    const auto is_refused = [](const auto &entry) { return entry.second->refused; };
    const auto next = std::find_if(by_id_.begin(), by_id_.end(), is_refused);
    prober_ = next == by_id_.end() ? nullptr : next->second;
    if (prober_ != nullptr) {
      prober_->refused = false;
      --refused_;
      prober_->times.on_failure(after(now, kRetry), now);
    }
    changed[1] = prober_;
  }
  auto found = groups_.find(waiter.key);
  if (waiter.arrival == 0 || found == groups_.end()) return changed;
  Group &group = found->second;
  const bool was_first = is_first(group, waiter);
  places_ -= group.erase({waiter.arrival, &waiter});
  if (places_ == 0) record_written_ = reply_missed_ = false;
  if (group.empty()) {
    groups_.erase(found);
  } else if (was_first) {
    changed[0] = group.begin()->second;
    changed[0]->times.on_becoming_first(client(), now);
    // It asked for both, for instance after a new subscription, and had no reply.
    const Instant asks_at = waiter.times.asks_at();
    if (asks_at != kNever && !changed[0]->refused) changed[0]->times.ask_at(asks_at, now);
  }
  return changed;
}

Waiter *WaitList::find(std::string_view id) const {
  auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<Waiter *> WaitList::answered(Waiter &waiter, const Queued &queued, Instant now) {
  const bool had_place = waiter.arrival != 0;
  const bool loss_was_known = waiter.lost <= queued.sent && subscribed_at_ <= queued.sent;
  if (loss_was_known) waiter.lost = kNever;
  Group &group = groups_[waiter.key];
  const bool was_first = is_first(group, waiter);
  if (group.emplace(queued.arrival, &waiter).second) ++places_;
  if (had_place && waiter.arrival != queued.arrival)
    places_ -= group.erase({waiter.arrival, &waiter});
  waiter.arrival = queued.arrival;
  waiter.times.on_reply(queued, client(), now);

  std::vector<Waiter *> changed;
  server_works(waiter, now, changed);
  // The reply to a re-check that a known loss has caused is no news; else n lost places would cause
  // n rounds of re-checks. The loss may be another one if the subscription is new since then.
  const bool place_lost = had_place && queued.joined && !loss_was_known;
  if (had_place && queued.joined) rejoined_ = true;
  // The reply shows this waiter's own place, but not if a request without a reply came after it.
  const Waiter *shown = reply_missed_ ? nullptr : &waiter;
  if (record_is_lost(queued.known) || place_lost) all_lost(shown, now, changed);
  if (had_place && was_first && !is_first(group, waiter)) {
    Waiter *first = group.begin()->second;
    first->times.on_becoming_first(client(), now);
    changed.push_back(first);
  }
  return changed;
}

std::vector<Waiter *> WaitList::granted(Waiter &waiter, Instant now) {
  std::vector<Waiter *> changed;
  server_works(waiter, now, changed);
  // The reply does not show whether the place was lost, and others with it.
  auto found = groups_.find(waiter.key);
  if (waiter.arrival == 0 || found == groups_.end()) return changed;
  for (auto &[arrival, next] : found->second) {
    if (next == &waiter) continue;
    next->times.ask_at(now, now);
    changed.push_back(next);
    break;
  }
  return changed;
}

std::vector<Waiter *> WaitList::beat_answered(bool known, Instant now) {
  std::vector<Waiter *> changed;
  if (has_places() && record_is_lost(known)) all_lost(nullptr, now, changed);
  return changed;
}

// Whether the server lost the client's record, or may have. While it had none, scripts may have
// dropped places of the client.
bool WaitList::record_is_lost(bool known) noexcept {
  const bool lost = (record_written_ && !known) || reply_missed_;
  record_written_ = true;
  reply_missed_ = false;
  return lost;
}

void WaitList::all_lost(const Waiter *except, Instant now, std::vector<Waiter *> &changed) {
  for (auto &[key, group] : groups_) {
    for (auto &[arrival, other] : group) {
      if (other == except) continue;
      other->lost = now;
      other->times.ask_at(now, now);
      changed.push_back(other);
    }
  }
}

std::vector<Waiter *> WaitList::poll_from(Instant now) {
  std::vector<Waiter *> changed;
  polls_ = true;
  record_written_ = reply_missed_ = false;
  all_lost(nullptr, now, changed);
  return changed;
}

// One waiter asks for all; which one does not matter, because a failure that passes is the server's
// or the network's.
void WaitList::failed(Waiter &waiter, Instant now) {
  if (prober_ == nullptr) prober_ = &waiter;
  if (prober_ == &waiter) {
    waiter.times.on_failure(after(now, kRetry), now);
    return;
  }
  if (!waiter.refused) ++refused_;
  waiter.refused = true;
  waiter.times.on_failure(kNever, now);
}

void WaitList::server_works(Waiter &waiter, Instant now, std::vector<Waiter *> &changed) {
  if (waiter.refused) --refused_;
  waiter.refused = false;
  if (prober_ != &waiter) return;
  prober_ = nullptr;
  Instant when = now;
  for (auto &[id, other] : by_id_) {
    if (refused_ == 0) break;
    if (!other->refused) continue;
    other->refused = false;
    --refused_;
    other->times.ask_at(when, now);
    when = after(when, kBetweenRetries);
    changed.push_back(other);
  }
}

// Scripts drop the places of a client from the first one on, so that the first one shows a loss;
// but not if it was dropped and has joined again before others were dropped.
std::vector<Waiter *> WaitList::subscribed(Instant now) {
  std::vector<Waiter *> changed;
  const bool only_first = !std::exchange(rejoined_, false);
  subscribed_at_ = now;
  for (auto &[key, group] : groups_) {
    for (auto &[arrival, waiter] : group) {
      waiter->times.ask_at(now, now);
      changed.push_back(waiter);
      if (only_first) break;
    }
  }
  return changed;
}

Instant WaitList::due(const Waiter &waiter) const {
  auto found = groups_.find(waiter.key);
  return waiter.times.due(found != groups_.end() && is_first(found->second, waiter));
}

bool WaitList::is_first(const Group &group, const Waiter &waiter) const {
  return !group.empty() && group.begin()->second == &waiter;
}

}  // namespace redilock
