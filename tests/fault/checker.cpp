// The checks, one function each.
#include "fault/checker.hpp"

#include <algorithm>
#include <set>

namespace fault {

namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kMs = 1000;
// From docs/protocol.md: waiters ask every so often, and live for so long without.
constexpr int64_t kRecheck = 2 * kSecond;
constexpr int64_t kAlive = 6 * kSecond;
// For a machine with more processes than processors.
constexpr int64_t kSlack = 1200 * kMs;
// After a fault: connecting again, growing pauses, one request that still times out.
constexpr int64_t kRecovery = 2 * kSecond;
// How long a proxy may keep a request whose sender is gone.
constexpr int64_t kUnderWay = 2500 * kMs;
// The workers' longest `timeout`, and what the library adds to a wait for the request under way.
constexpr int64_t kTimeout = kSecond;
constexpr int64_t kGrace = kSecond;

// For how long after a sender's end its requests may still arrive.
int64_t under_way(const Record &record) {
  return record.has({"late", "delay", "slow-start", "trickle", "stop-server"}) ? kUnderWay
                                                                               : kSlack / 3;
}

std::string ms(int64_t us) { return std::to_string(us / kMs) + " ms"; }

// While a holder believes. What stood when the data was lost is not believed in any further.
Span believed(const Record &record, const Call &call) {
  int64_t end = std::min({call.until, call.release, call.abandoned, call.lost});
  for (const Fault &fault : record.faults)
    if (fault.kind == "flushall" && call.start <= fault.span.to)
      end = std::min(end, fault.span.from);
  return {call.end, end};
}

std::vector<const Call *> grants(const Record &record, const std::string &name) {
  auto found = record.select(name, [](const Call &call) { return call.granted(); });
  std::sort(found.begin(), found.end(),
            [](const Call *a, const Call *b) { return a->end < b->end; });
  return found;
}

bool is_definite(const std::string &status) {
  return status == "REDILOCK_E_HELD" || status == "REDILOCK_E_TIMEOUT" ||
         status == "REDILOCK_E_CANCELLED";
}

}  // namespace

void Checker::add(const std::string &check, const std::string &what, int64_t at) {
  violations_.push_back({check, what, at});
}

void Checker::check(const Record &record, Totals &totals) {
  std::set<std::string> names;
  for (const auto &[id, call] : record.calls) {
    names.insert(call.name);
    outcomes(record, call);
    deadlines(record, call);
  }
  for (const std::string &name : names) {
    exclusion(record, name);
    server_agrees(record, name);
    store(record, name);
    fences(record, name);
    settled(record, name);
    server_order(record, name);
    client_order(record, name);
    wake_ups(record, name);
    places(record, name);
    the_dead(record, name);
    count(record, name, totals);
  }
}

// P1, P2: nobody believes to hold while another does.
void Checker::exclusion(const Record &record, const std::string &name) {
  const Call *before = nullptr;
  Span reach{0, 0};
  for (const Call *call : grants(record, name)) {
    const Span span = believed(record, *call);
    if (span.to <= span.from) continue;
    if (before != nullptr && span.from < reach.to)
      add("exclusion",
          call->id + " was granted " + name + " " + ms(reach.to - span.from) +
              " before the end of what " + before->id + " was promised",
          span.from);
    if (span.to > reach.to) {
      reach = span;
      before = call;
    }
  }
}

// P2: where a client believes, the server says the same.
void Checker::server_agrees(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  for (const Call *call : grants(record, name)) {
    const Span span = believed(record, *call);
    for (const State &state : found->second) {
      if (state.holder == call->id) continue;
      for (const Span &look : {state.first, state.last}) {
        if (look.from <= span.from || look.to >= span.to) continue;
        add("belief",
            call->id + " believes to hold " + name + " for another " + ms(span.to - look.to) +
                ", but on the server it is " +
                (state.holder.empty() ? "free" : "held by " + state.holder),
            look.to);
        break;
      }
    }
  }
}

// P3: also across a loss of data for grants that do not overlap in time.
void Checker::fences(const Record &record, const std::string &name) {
  const int64_t earlier = highest_[name];
  std::vector<const Call *> all = grants(record, name);
  for (size_t i = 0; i < all.size(); ++i) {
    const Call &call = *all[i];
    if (call.foreign) continue;
    if (call.fence <= earlier)
      add("fence", call.id + " has a fence not above those of earlier rounds", call.end);
    highest_[name] = std::max(highest_[name], call.fence);
    for (size_t j = 0; j < i; ++j) {
      const Call &before = *all[j];
      if (before.foreign || before.fence < call.fence) continue;
      if (call.start < before.end && record.lost_data(before.start, call.end)) continue;
      add("fence",
          call.id + " has fence " + std::to_string(call.fence) + ", but " + before.id +
              ", granted before it, " + std::to_string(before.fence),
          call.end);
      break;
    }
  }
}

// A fenced store takes the writes of those who hold, and refuses every stale one.
void Checker::store(const Record &record, const std::string &name) {
  for (const Call *call : grants(record, name))
    for (const Write &write : call->writes) {
      if (write.taken && write.fence < write.last)
        add("store", "a stale write of " + call->id + " was taken", write.at);
      if (!write.taken && write.held && !record.lost_data(call->start, write.at))
        add("store", "a write of " + call->id + ", which holds " + name + ", was refused",
            write.at);
    }
}

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
      const bool queued = call->killed == kNever &&
                          std::any_of(state.queue.begin(), state.queue.end(),
                                      [&](const Place &place) { return place.id == call->id; });
      if (state.holder != call->id && !queued) continue;
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
  for (const Call *later : grants(record, name)) {
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
// nothing but wake channels broke, a lost place is taken again at once.
void Checker::places(const Record &record, const std::string &name) {
  auto found = record.states.find(name);
  if (found == record.states.end()) return;
  const bool channels_only = record.only({"kill-pubsub", "script-flush"});
  const bool slow_only = record.only({"slow-start", "delay", "script-flush"});
  const int64_t recovery = channels_only ? kSlack / 3 : kRecovery;
  const int64_t most = channels_only ? kSlack : kRecheck + kSlack;
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

// Each call ends as its kind may end; in trouble only where there is trouble; and no promise is
// broken.
void Checker::outcomes(const Record &record, const Call &call) {
  if (call.foreign) return;
  const std::string &status = call.status;
  const bool fits = status.empty() || status == "REDILOCK_OK" ||
                    (status == "REDILOCK_E_HELD" && call.kind == "try") ||
                    (status == "REDILOCK_E_TIMEOUT" && call.kind == "timed") ||
                    (status == "REDILOCK_E_CANCELLED" && call.kind == "cancelled");
  const bool trouble = status == "REDILOCK_E_UNKNOWN" || status == "REDILOCK_E_UNAVAILABLE" ||
                       status == "REDILOCK_E_LOST";
  if (!fits && !trouble) add("outcome", call.id + " (" + call.kind + ") said " + status, call.end);
  if (trouble && record.undisturbed(call.worker, {call.start, call.end}, kRecovery))
    add("outcome", call.id + " said " + status + " where nothing was wrong", call.end);
  if (!call.granted()) return;

  // What remains is told in whole milliseconds, so the last one is cut off.
  auto broken = [&](int64_t at) {
    return at + kMs < call.until && !record.lost_data(call.start, at);
  };
  if (call.lost != kNever && broken(call.lost))
    add("promise", call.id + " was lost " + ms(call.until - call.lost) + " before it should",
        call.lost);
  if (call.release_status == "REDILOCK_E_LOST" && broken(call.released))
    add("promise", call.id + " was lost when released within what was promised", call.released);
  if (call.release_status == "REDILOCK_E_NOT_OWNER")
    add("outcome", call.id + " was released once, and told that it was released before",
        call.released);
  for (const auto &[at, extension] : call.extensions)
    if (extension == "REDILOCK_E_LOST" && broken(at))
      add("promise", call.id + " was lost when extended within what was promised", at);
  if (call.revived) add("promise", call.id + " was lost and came back", call.lost);
}

// P5: every call ends by its deadline plus a small constant.
void Checker::deadlines(const Record &record, const Call &call) {
  if (call.foreign) return;
  const int64_t end = call.end == kNever ? call.start : call.end;
  auto running = [&](Span span) {  // without the time in which it was stopped
    for (const Fault &fault : record.faults)
      if ((fault.kind == "stall" || fault.kind == "stop-worker") &&
          (fault.worker == -1 || fault.worker == call.worker))
        span.from += std::max<int64_t>(
            0, std::min(fault.span.to, span.to) - std::max(fault.span.from, span.from));
    return span.to - span.from;
  };
  int64_t most = kNever;
  if (call.kind == "try") most = kTimeout + kSlack;
  if (call.kind == "timed") most = call.wait + 2 * kGrace + kSlack;
  if (call.kind == "cancelled") most = call.cancel + 2 * kGrace + kSlack;
  if (most != kNever && running({call.start, end}) > most)
    add("deadline", call.id + " (" + call.kind + ") took " + ms(end - call.start), end);
  if (call.released != kNever && running({call.release, call.released}) > kTimeout + kSlack)
    add("deadline", "the release of " + call.id + " took " + ms(call.released - call.release),
        call.released);
}

void Checker::count(const Record &record, const std::string &name, Totals &totals) const {
  for (const Call *call : record.select(name, [](const Call &) { return true; })) {
    ++totals.calls;
    ++totals.statuses[call->status.empty() ? "killed" : call->status];
    if (!call->release_status.empty()) ++totals.releases[call->release_status];
    if (call->granted()) ++(call->foreign ? totals.foreign : totals.grants);
    totals.writes += static_cast<int64_t>(call->writes.size());
    for (const Write &write : call->writes) totals.refused += write.taken ? 0 : 1;
  }
  const auto all = grants(record, name);
  for (size_t i = 1; i < all.size(); ++i) {
    const Call &from = *all[i - 1], &to = *all[i];
    if (from.release_status == "REDILOCK_OK" && !from.foreign && to.waits() &&
        to.start < from.release && to.end >= from.release)
      totals.hand_offs.push_back(to.end - from.release);
  }
}

}  // namespace fault
