// The checks of what was promised to whoever got a lock, one function each.
#include "fault/checker.hpp"

#include <algorithm>
#include <set>

#include "fault/bounds.hpp"

namespace fault {

namespace {

// Of so few grants all may have come and gone between two looks.
constexpr size_t kUnseen = 20;
constexpr int64_t kManyCalls = 50;

// While a holder believes, and may.
Span believed(const Record &record, const Call &call) {
  return {call.end,
          std::min({call.until, call.release, call.abandoned, call.lost, record.lost_grant(call)})};
}

}  // namespace

void Checker::add(const std::string &check, const std::string &what, int64_t at) {
  violations_.push_back({check, what, at});
}

void Checker::check(const Record &record, Totals &totals) {
  std::set<std::string> names;
  for (const auto &[id, call] : record.calls) {
    names.insert(call.name);
    if (call.foreign) continue;
    outcomes(record, call);
    promises(record, call);
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
    take_overs(record, name);
    places(record, name);
    the_dead(record, name);
    count(record, name, totals);
    time_take_overs(record, name, totals);
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
  const auto grants = record.grants(name);
  auto found = record.states.find(name);
  if (found == record.states.end()) {
    if (grants.size() > kUnseen)
      add("sampler", "nothing was seen of " + std::to_string(grants.size()) + " grants of " + name,
          grants.back()->end);
    return;
  }
  // A look within a span: the first or the last of a state, or one in between that told no news.
  const auto looked_at = [&](const State &state, Span span) {
    const Span shared{std::max(state.first.to, span.from), std::min(state.last.from, span.to)};
    const auto is_within = [&](Span look) { return look.from > span.from && look.to < span.to; };
    return is_within(state.first) || is_within(state.last) ||
           (shared.to - shared.from > kLook && record.running(-1, shared) > kLook);
  };
  for (const Call *call : grants) {
    const Span span = believed(record, *call);
    for (const State &state : found->second)
      if (state.holder != call->id && looked_at(state, span))
        add("belief",
            call->id + " believes to hold " + name + " until " + ms(span.to - state.first.to) +
                " after it was seen " + (state.holder.empty() ? "free" : "with " + state.holder),
            span.to);
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

// A fenced store takes the writes of those who hold, and none once somebody has written who came
// when the lock had been granted already.
void Checker::store(const Record &record, const std::string &name) {
  const auto grants = record.grants(name);
  for (const Call *call : grants) {
    int64_t passed = kNever;  // when such a one had written
    for (const Call *later : grants)
      for (const Write &write : later->writes)
        if (later->start > call->end && write.taken) passed = std::min(passed, write.at);
    for (const Write &write : call->writes) {
      if (write.taken && write.from > passed)
        add("store", "a stale write of " + call->id + " was taken", write.at);
      if (!write.taken && write.held && record.lost_grant(*call) > write.at)
        add("store", "a write of " + call->id + ", which holds " + name + ", was refused",
            write.at);
    }
  }
}

// What a run as a whole must have come to, so that it says anything.
void Checker::judge(const Totals &totals, int64_t at) {
  for (const auto &[kind, count] : totals.kinds)
    if (count.first >= kManyCalls && count.second == 0)
      add("run", "none of " + std::to_string(count.first) + " calls (" + kind + ") was granted",
          at);
  if (totals.grants == 0) add("run", "nothing was granted", at);
  const auto half = [&](std::vector<int64_t> spans, size_t least, int64_t most, const char *what) {
    if (spans.size() < least) return;
    std::sort(spans.begin(), spans.end());
    const int64_t median = spans[spans.size() / 2];
    if (median > most)
      add("run", "half of the " + std::string(what) + " took more than " + ms(median), at);
  };
  half(totals.hand_offs, size_t{kManyCalls}, kHandOff, "hand-offs");
  half(totals.take_overs, kFewTakeOvers, kTakeOver, "take-overs by a head that joined as the head");
  half(totals.next_take_overs, kFewTakeOvers, kTakeOver,
       "take-overs by a waiter that became the head");
}

void Checker::count(const Record &record, const std::string &name, Totals &totals) const {
  for (const Call *call : record.select(name, [](const Call &) { return true; })) {
    ++totals.calls;
    ++totals.statuses[call->status.empty() ? "killed" : call->status];
    if (!call->release_status.empty()) ++totals.releases[call->release_status];
    if (call->granted()) ++(call->foreign ? totals.foreign : totals.grants);
    auto &[calls, grants] = totals.kinds[call->kind];
    ++calls;
    grants += call->granted() ? 1 : 0;
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
