// The checks of the head of a queue: it takes the lock over as soon as a lease ends that nobody releases.
// One head alone may be late, because it got no processor; half of all heads may not.
#include <algorithm>

#include "fault/bounds.hpp"
#include "fault/checker.hpp"

namespace fault {

namespace {

// Whether the head of the queue learned that it is the head: it is new, or the waiter before it was
// granted. A hand-off that drops others may have given up before it came to this head.
bool knows_its_rank(const State &last, const State &state) {
  const std::string head = state.queue.empty() ? "" : state.queue.front().id;
  for (const Place &place : last.queue) {
    if (place.id == head) return true;
    if (place.id != state.holder) return false;
  }
  return true;
}

std::string head_of(const State &state) {
  return state.queue.empty() ? "" : state.queue.front().id;
}

// The head of one queue, from state to state.
struct Head {
  std::string id;
  int64_t since = 0;
  bool by_next = false;  // it was granted no lock when the waiter before it was
  bool knows = false;    // that it is the head, by a reply or by `next`
  int64_t start = 0, early = 0;

  void follow(const Record &record, const State *last, const State &state) {
    if (last != nullptr && head_of(state) == id) return;
    *this = {head_of(state), state.first.to};
    auto call = record.calls.find(id);
    if (last == nullptr || call == record.calls.end()) return;
    by_next = std::any_of(last->queue.begin(), last->queue.end(),
                          [&](const Place &place) { return place.id == id; });
    knows = !by_next || (knows_its_rank(*last, state) &&
                         is_notified(record, state.holder, since - call->second.start));
    start = call->second.start;
    early = std::min(call->second.ttl, kFirstRecheck);
  }

  // Whether no re-check of its own came while it was the head, so that it knows by `next` alone: not that
  // at the end of its ttl or 2 s after its join, nor that of the second in the queue 500 ms after the end
  // of an earlier lease.
  bool by_next_alone(int64_t free_since) const {
    const auto asked = [&](int64_t span) {
      return start + span + kHandOff >= since && start + span <= free_since + kHandOff;
    };
    return by_next && free_since + kHandOff < since + kDeputy && !asked(early) &&
           !asked(kFirstRecheck);
  }

 private:
  // The server leaves out a young head: its first re-check comes before the lease ends.
  static bool is_notified(const Record &record, const std::string &holder, int64_t age) {
    if (age >= kFirstRecheck + kSlack) return true;
    auto call = record.calls.find(holder);
    return call != record.calls.end() && age >= 200 * kMs && call->second.ttl < kFirstRecheck;
  }
};

// Of a lease whose holder has not begun to release.
bool ran_out(const Record &record, const State &last, int64_t at) {
  auto holder = record.calls.find(last.holder);
  return holder != record.calls.end() && !holder->second.foreign && holder->second.release > at;
}

void time(const Head &head, Span idle, Totals &totals) {
  if (!head.by_next) totals.take_overs.push_back(idle.to - idle.from);
  if (head.by_next_alone(idle.from)) totals.next_take_overs.push_back(idle.to - idle.from);
}

// Whether a request of another caller may have handed the lock to the head.
bool is_helped(const Record &record, const std::string &name, const std::string &head, Span span) {
  const auto asks = [&](const Call &call) {
    return call.id != head && call.start <= span.to && call.start + kHandOff >= span.from;
  };
  return !record.select(name, asks).empty();
}

}  // namespace

// A head that knows its rank takes the lock over as soon as the holder's lease ends. It knows it from
// the reply to its join, from `next` at the hand-off before it, or from its first re-check.
void Checker::take_overs(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  std::string head;
  int64_t since = 0, knows_since = 0;  // when it became the head, and when it surely knows that
  int64_t free_since = 0;              // 0: the lock is held
  const State *before = nullptr;
  for (const State &state : found->second) {
    const State *last = state.follows ? before : nullptr;
    before = &state;
    const std::string first = state.queue.empty() ? "" : state.queue.front().id;
    if (last == nullptr || first != head) {
      head = first;
      since = knows_since = state.first.to;
      if (last == nullptr || !knows_its_rank(*last, state)) knows_since += kRecheck + kSlack;
    }
    if (!state.holder.empty() || last == nullptr || !last->holder.empty()) free_since = 0;
    if (state.holder.empty() && free_since == 0) free_since = state.first.to;
    auto call = record.calls.find(head);
    if (free_since == 0 || call == record.calls.end() || !state.queue.front().alive) continue;
    const Call &waiter = call->second;
    const Span idle{std::max({free_since, knows_since, waiter.start + kFirstRecheck}),
                    std::min(state.last.from, waiter.pending_end())};
    if (idle.to - idle.from <= kSlack) continue;
    const Span wait{std::max(since, waiter.start), idle.to};
    if (!record.undisturbed(waiter.worker, wait, kRecovery)) continue;
    return add("take-over",
               head + " was the head of " + name + " for " + ms(idle.to - since) +
                   ", and left the lock free for " + ms(idle.to - free_since),
               idle.to);
  }
}

// How long a free lock waited for its head, for heads that joined as such and for those that became it.
void Checker::time_take_overs(const Record &record, const std::string &name, Totals &totals) const {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  Head head;
  int64_t free_since = 0;  // 0: held, or free by a release
  const State *before = nullptr;
  for (const State &state : found->second) {
    const State *last = state.follows ? before : nullptr;
    before = &state;
    const bool changes = last != nullptr && last->holder != state.holder;
    if (changes && ran_out(record, *last, state.first.to)) free_since = last->last.to;
    if (changes && state.holder == head.id && head.knows && free_since > head.since) {
      const Span span{free_since, state.first.to};
      if (record.calls.at(head.id).worker != kFarWorker &&
          !is_helped(record, name, head.id, span) && !record.lost_data(head.since, span.to))
        time(head, span, totals);
    }
    if (!state.holder.empty() || last == nullptr) free_since = 0;
    head.follow(record, last, state);
  }
}

}  // namespace fault
