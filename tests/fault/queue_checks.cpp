// The checks of the queue: in which order, how soon, and to whom a lock goes, and what stays behind.
#include <algorithm>

#include "fault/bounds.hpp"
#include "fault/checker.hpp"

namespace fault {

namespace {

bool is_definite(const std::string &status) {
  return status == "REDILOCK_E_HELD" || status == "REDILOCK_E_TIMEOUT";
}

}  // namespace

// Nothing of a call is left on the server once it has ended for sure, nor of any other for longer
// than its ttl.
void Checker::settled(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  const int64_t late = under_way(record);
  for (const Call *call : record.select(name, [](const Call &) { return true; })) {
    int64_t gone = kNever;  // from when on it must not be the holder
    if (is_definite(call->status))
      gone = call->end;
    else if (call->status == "REDILOCK_E_CANCELLED" &&
             record.undisturbed(call->worker, {call->start, call->end + kSlack}, kRecovery))
      gone = call->end + kSlack / 3;  // a request under way is taken back behind the caller
    else if (call->killed != kNever)
      gone = call->killed + call->ttl + late;
    else if (!call->status.empty() && !call->granted())
      gone = record.undisturbed(call->worker, {call->end, call->end + kRecovery}, kRecovery)
                 ? call->end + kRecovery
                 : call->end + call->ttl + std::max(late, kSlack);
    else if (call->release_status == "REDILOCK_OK" || call->release_status == "REDILOCK_E_LOST")
      gone = call->released;
    else if (std::min({call->released, call->abandoned, call->lost}) != kNever)
      gone = std::min({call->released, call->abandoned, call->lost}) + call->ttl +
             std::max(late, kSlack);
    if (gone == kNever) continue;
    for (const State &state : found->second) {
      if (state.last.from <= gone) continue;
      // Who is cut off cannot take back what it is in doubt about; it has to once it is not any
      // more, unless its client was closed meanwhile: then its place is dead, and in nobody's way.
      const bool in_doubt =
          call->killed == kNever && !call->granted() && !is_definite(call->status);
      const auto stands = [&](const Place &place) {
        return place.id == call->id && (place.alive || !in_doubt);
      };
      const bool queued =
          call->killed == kNever && std::any_of(state.queue.begin(), state.queue.end(), stands);
      if (state.holder != call->id && !queued) continue;
      const int64_t back = state.last.from - (queued ? kMs : call->ttl);
      if (in_doubt && !record.undisturbed(call->worker, {back, state.last.from}, kSlack)) continue;
      add("settled",
          call->id + " (" + call->kind + ", " + call->status + " " + call->release_status + ") " +
              (queued ? "stands in the queue of " : "holds ") + name + " " +
              ms(state.last.from - std::min(call->end, call->killed)) + " after its end",
          state.last.from);
      break;
    }
  }
}

// P4 as the server shows it: a change of holder passes nobody who lives and came before.
void Checker::server_order(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  std::map<std::string, int64_t> first_seen, arrivals;
  const State *before = nullptr;
  for (const State &state : found->second) {
    for (const Place &place : state.queue) {
      first_seen.emplace(place.id, state.first.to);
      arrivals[place.id] = place.arrival;
    }
    const State *last = state.follows ? before : nullptr;
    before = &state;
    auto next = record.calls.find(state.holder);
    if (last == nullptr || last->holder == state.holder || next == record.calls.end() ||
        next->second.foreign ||
        record.lost_data(state.first.from - kAlive - kRecheck, state.first.to))
      continue;
    for (const Place &passed : last->queue) {
      const bool still =
          std::any_of(state.queue.begin(), state.queue.end(),
                      [&](const Place &place) { return place.id == passed.id && place.alive; });
      auto waiter = record.calls.find(passed.id);
      if (!passed.alive || !still || waiter == record.calls.end()) continue;
      if (!record.undisturbed(waiter->second.worker, {last->last.from, state.first.to}, kSecond))
        continue;
      auto arrival = arrivals.find(state.holder);
      const bool is_later = arrival != arrivals.end() ? arrival->second > passed.arrival
                                                      : next->second.start > first_seen[passed.id];
      if (!is_later) continue;
      add("order", state.holder + " got " + name + " before " + passed.id + ", which came first",
          state.first.to);
      break;
    }
  }
}

// P4 as the callers see it: who came three seconds later gets it later, whatever the server thinks
// of it.
void Checker::client_order(const Record &record, const std::string &name) {
  const auto waiters = record.select(name, [](const Call &call) { return call.waits(); });
  for (const Call *later : record.grants(name)) {
    if (later->foreign) continue;
    for (const Call *call : waiters) {
      if (call->start + 3 * kSecond > later->start || call->pending_end() < later->end) continue;
      if (call->cancel != 0) continue;
      const Span wait{std::max(call->start, later->end - kAlive - kRecheck - kSlack), later->end};
      if (!record.undisturbed(call->worker, wait, kRecovery)) continue;
      add("order",
          later->id + " got " + name + " before " + call->id + ", which had waited for " +
              ms(later->start - call->start) + " when it came",
          later->end);
      return;
    }
  }
}

// Nobody waits at a free lock for longer than a re-check takes; nor unaware of a grant, where no push can
// have been lost.
void Checker::wake_ups(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  for (const Call *call : record.select(name, [](const Call &c) { return c.waits(); })) {
    Span idle{0, 0};
    const State *before = nullptr;
    for (const State &state : found->second) {
      const bool own = state.holder == call->id, idles = own || state.holder.empty();
      if (!idles || !state.follows || before == nullptr || before->holder != state.holder)
        idle = {state.first.to, 0};
      before = &state;
      if (!idles) continue;
      idle.to = state.last.from;
      const Span wait{std::max(idle.from, call->start), std::min(idle.to, call->pending_end())};
      const int64_t most = own ? kSlack : kRecheck + kSlack;
      const int64_t quiet =
          wait.to - wait.from > most ? record.quiet(call->worker, wait, kRecovery) : 0;
      if (quiet <= most) continue;
      add("wake-up",
          call->id + " waited for " + ms(quiet) + " while " + name + " was " +
              (own ? "its own" : "free"),
          wait.to);
      break;
    }
  }
}

// Who waits undisturbed keeps a place in the queue, and can be woken from the moment it has one. Where
// nothing but wake channels broke, a lost place is taken again with the next subscription.
void Checker::places(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  const bool channels_only = record.only({"kill-pubsub"});
  const bool slow_only = record.only({"slow-start", "delay"});
  const int64_t recovery = channels_only ? kSlack / 12 : kRecovery;
  const int64_t most = channels_only ? kPause + kSlack / 2 : kRecheck + kSlack;
  for (const Call *call : record.select(name, [](const Call &c) { return c.waits(); })) {
    Span without{0, 0};
    for (const State &state : found->second) {
      auto place = std::find_if(state.queue.begin(), state.queue.end(),
                                [&](const Place &p) { return p.id == call->id; });
      const bool has_place = place != state.queue.end();
      if (has_place && !place->alive && state.first.to < call->pending_end() &&
          (slow_only || record.undisturbed(call->worker,
                                           {state.first.from - kAlive, state.first.to}, kRecovery)))
        return add("place", call->id + " stands in the queue of " + name + ", but cannot be woken",
                   state.first.to);
      if (has_place || state.holder == call->id || !state.follows) without = {state.first.to, 0};
      if (has_place || state.holder == call->id) {
        without.from = state.last.from;
        continue;
      }
      without.to = state.last.from;
      const Span wait{std::max(without.from, call->start),
                      std::min(without.to, call->pending_end())};
      if (wait.to - wait.from <= most || record.quiet(call->worker, wait, recovery) <= most)
        continue;
      return add("place",
                 call->id + " waited without a place in the queue of " + name + " for " +
                     ms(wait.to - wait.from),
                 wait.to);
    }
  }
}

// Nobody is granted a lock long after its process has died, or its call has ended.
void Checker::the_dead(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  const State *before = nullptr;
  for (const State &state : found->second) {
    const State *last = state.follows ? before : nullptr;
    before = &state;
    auto holder = record.calls.find(state.holder);
    if (last == nullptr || last->holder == state.holder || holder == record.calls.end()) continue;
    const Call &call = holder->second;
    const int64_t since = std::min(call.over(), call.killed);
    if (since == kNever || last->last.from < since + under_way(record)) continue;
    // A client that is cut off cannot give up its place; it does so when it is back.
    if (call.killed == kNever &&
        !record.undisturbed(call.worker, {last->last.from, state.first.to}, kSlack))
      continue;
    add("the dead",
        call.id + " was granted " + name + " " + ms(last->last.from - since) + " after its end",
        state.first.to);
  }
}
}  // namespace fault
