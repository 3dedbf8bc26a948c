// The checks of what was promised to whoever got a lock, one function each.
#include "fault/checker.hpp"

#include <algorithm>
#include <set>

#include "fault/bounds.hpp"

namespace fault {

namespace {

// While a holder believes. What stood when the data was lost is not believed in any further.
Span believed(const Record &record, const Call &call) {
  int64_t end = std::min({call.until, call.release, call.abandoned, call.lost});
  for (const Fault &fault : record.faults)
    if (fault.kind == "flushall" && call.start <= fault.span.to)
      end = std::min(end, fault.span.from);
  return {call.end, end};
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
  for (const Call *call : record.grants(name)) {
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
  for (const Call *call : record.grants(name)) {
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
  std::vector<const Call *> all = record.grants(name);
  for (size_t i = 0; i < all.size(); ++i) {
    const Call &call = *all[i];
    if (call.foreign) continue;
    if (call.fence <= earlier)
      add("fence", call.id + " has a fence not above those of earlier rounds", call.end);
    highest_[name] = std::max(highest_[name], call.fence);
    for (size_t j = 0; j < i; ++j) {
      const Call &before = *all[j];
      if (before.foreign || before.fence < call.fence) continue;
      // Either may have been granted at any time of its call.
      const int64_t first = std::min(before.start, call.start);
      if (call.start < before.end && record.lost_data(first, call.end)) continue;
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
  for (const Call *call : record.grants(name))
    for (const Write &write : call->writes) {
      if (write.taken && write.fence < write.last)
        add("store", "a stale write of " + call->id + " was taken", write.at);
      if (!write.taken && write.held && !record.lost_data(call->start, write.at))
        add("store", "a write of " + call->id + ", which holds " + name + ", was refused",
            write.at);
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
                       status == "REDILOCK_E_SERVER" || status == "REDILOCK_E_LOST";
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
  const auto all = record.grants(name);
  for (size_t i = 1; i < all.size(); ++i) {
    const Call &from = *all[i - 1], &to = *all[i];
    const bool near = from.worker != kFarWorker && to.worker != kFarWorker;
    if (near && from.release_status == "REDILOCK_OK" && !from.foreign && to.waits() &&
        to.start < from.release && to.end >= from.release)
      totals.hand_offs.push_back(to.end - from.release);
  }
}

}  // namespace fault
