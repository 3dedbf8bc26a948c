// The course of a round, and what is asked of its end.
#include "fault/run.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "fault/bounds.hpp"

namespace fault {

namespace {

// Every lease in force, a re-check, and time for the queue to be worked off.
constexpr int64_t kDrain = 15 * kSecond;
// From so many seconds on, a run has to come to everything.
constexpr int64_t kWhole = 60;
// Once it may well meet no request, beside a stopped worker for one.
constexpr int64_t kOften = 3;

bool is_drained(const Record &record) {
  for (const auto &[id, call] : record.calls) {
    if (call.killed != kNever || (!call.status.empty() && !call.granted())) continue;
    if (!call.granted() || std::min(call.released, call.abandoned) == kNever) return false;
  }
  for (const auto &[name, states] : record.states) {
    const State &last = states.back();
    if (!last.holder.empty()) return false;
    for (const Place &place : last.queue)
      if (place.alive) return false;
  }
  return true;
}

template <class Counts>
void print(const char *title, const Counts &counts) {
  std::printf("%s", title);
  for (const auto &[what, count] : counts) {
    const size_t prefix = what.compare(0, 9, "REDILOCK_") == 0 ? 9 : 0;
    std::printf(" %s %lld", what.c_str() + prefix, static_cast<long long>(count));
  }
  std::printf("\n");
}

}  // namespace

Run::Run(const Settings &settings, const std::string &folder,
         const volatile std::sig_atomic_t &told_to_end)
    : settings_(settings),
      told_to_end_(told_to_end),
      random_(settings.seed),
      deck_(settings.kinds),
      crew_(folder, settings.seed),
      reader_(folder + "/history.jsonl") {}

bool Run::go() {
  const int64_t length = settings_.seconds * kSecond, end = now_us() + length;
  const auto found = [&] { return settings_.stop_at_first && !checker_.violations().empty(); };
  const auto is_over = [&] {
    return now_us() >= end && (missed().empty() || now_us() >= end + length);
  };
  while (!is_over() && told_to_end_ == 0 && !found()) round();
  crew_.finish();
  read_on();
  judge_work();
  tell_violations("at the end");
  report();
  return checker_.violations().empty();
}

void Run::round() {
  crew_.heal();
  crew_.board().lull.store(0);
  rest(200, 500);
  const std::vector<Plan> plans = draw();
  carry_out(plans, crew_);
  recover(plans.back().kind);
  crew_.board().lull.store(1);
  const bool drained = drain();
  Record record = collect();
  if (!drained) complain(record);
  checker_.check(record, totals_);
  ++rounds_;
  std::string names;
  for (const Plan &plan : plans) names += (names.empty() ? "" : " + ") + plan.kind;
  tell_violations("under " + names);
}

// Those that were not told before.
void Run::tell_violations(const std::string &when) {
  for (; told_ < checker_.violations().size(); ++told_) {
    const Violation &violation = checker_.violations()[told_];
    std::printf("VIOLATION (%s, %s) at %lld: %s\n", violation.check.c_str(), when.c_str(),
                static_cast<long long>(violation.at), violation.what.c_str());
  }
  std::fflush(stdout);
}

// A run in which nobody gets anything shows nothing.
void Run::judge_work() {
  checker_.judge(totals_, now_us());
  if (totals_.foreign == 0 && settings_.seconds >= kWhole && told_to_end_ == 0)
    checker_.add("end", "no plain client got anything", now_us());
  for (const auto &[kind, times] : deck_.dealt())
    if (times >= kOften && !has_struck(kind))
      checker_.add("harness", kind + " struck nobody", now_us());
}

// Of a trouble on the links it is known.
bool Run::has_struck(const std::string &kind) {
  for (int fault = 0; fault < LinkProxy::kFaults; ++fault)
    if (kind == LinkProxy::fault_name(fault)) return crew_.proxy().struck(fault) > 0;
  return true;
}

// The kinds that are still to come, where each is to.
std::vector<std::string> Run::missed() {
  std::vector<std::string> kinds;
  for (const std::string &kind : settings_.kinds)
    if (settings_.every_kind && (deck_.dealt().count(kind) == 0 || !has_struck(kind)))
      kinds.push_back(kind);
  return kinds;
}

void Run::rest(int64_t low, int64_t high) {
  sleep_until(now_us() + std::uniform_int_distribution<int64_t>(low, high)(random_) * kMs);
}

// In every third round for long enough that calls begin and end behind the recovery that the checks
// grant, and now and then for longer than a waiter lives unheard of.
void Run::recover(const std::string &trouble) {
  constexpr int64_t kLong = kRecovery / kMs + 1000;
  ++since_long_rest_;
  if (trouble == "kill-pubsub") {
    // Who has lost its place is left alone with it: new calls of its client would make up for it.
    crew_.board().lull.store(1);
    rest(1000, 1500);
  } else if (since_long_rest_ < 3) {
    rest(1000, 1500);
  } else {
    rest(kLong, rounds_ % 4 == 3 ? 7000 : kLong + 500);
    since_long_rest_ = 0;
  }
}

std::vector<Plan> Run::draw() {
  std::vector<Plan> plans;
  for (const std::string &kind : deck_.deal(random_, missed()))
    plans.push_back(plan_nemesis(kind, random_));
  return plans;
}

// Reads on until nobody is in a call, nothing is held, and nobody who lives is queued.
bool Run::drain() {
  const int64_t start = now_us();
  while (now_us() < start + kDrain) {
    sleep_until(now_us() + 20 * kMs);
    crew_.watch();
    read_on();
    if (is_drained(collected())) return true;
  }
  return false;
}

void Run::complain(const Record &record) {
  std::string what = "not drained in time:";
  for (const auto &[id, call] : record.calls)
    if (call.status.empty() && call.killed == kNever)
      what += " " + id + " (" + call.kind + " for " + call.name + ")";
    else if (call.granted() && call.killed == kNever && call.over() == kNever)
      what += " " + id + " (holds " + call.name + (call.release == kNever ? ")" : ", releasing)");
  for (const auto &[name, states] : record.states) {
    what += "; " + name + " is " + (states.back().holder.empty() ? "free" : states.back().holder);
    for (const Place &place : states.back().queue)
      what += " " + place.id + (place.alive ? " (alive)" : " (dead)");
  }
  checker_.add("drain", what, now_us());
}

void Run::read_on() {
  for (Event event; reader_.next(event);) {
    if (event.kind == "crash")
      checker_.add("end", event.text("life") + " " + event.text("how"), event.at);
    if (event.kind == "stall") stalls_.push_back(event.number("to") - event.at);
    if (event.kind == "slow") slow_.push_back(event.number("to") - event.at);
    events_.push_back(std::move(event));
  }
}

Record Run::collected() {
  std::stable_sort(events_.begin(), events_.end(),
                   [](const Event &a, const Event &b) { return a.at < b.at; });
  Record record;
  for (const Event &event : events_) record.add(event);
  return record;
}

// What happened since the last time. The state of the server stands until now.
Record Run::collect() {
  read_on();
  Event look;
  look.kind = "look";
  look.at = now_us();
  look.fields["from"] = std::to_string(look.at - 30 * kMs);
  events_.push_back(look);
  Record record = collected();
  events_.clear();
  return record;
}

void Run::report() {
  std::sort(totals_.hand_offs.begin(), totals_.hand_offs.end());
  const auto quantile = [&](double share) {
    const auto &all = totals_.hand_offs;
    return all.empty() ? 0.0 : all[static_cast<size_t>(share * double(all.size() - 1))] / 1000.0;
  };
  std::printf("seed %llu, %lld s, %d rounds\n", static_cast<unsigned long long>(settings_.seed),
              static_cast<long long>(settings_.seconds), rounds_);
  const int64_t plain = totals_.kinds["foreign"].first;
  const auto share = [](int64_t part, int64_t rest) {
    return 100.0 * double(part) / double(std::max<int64_t>(part + rest, 1));
  };
  std::printf("calls %lld, grants %lld; of plain clients %lld (%.1f %%), %lld (%.1f %%)\n",
              static_cast<long long>(totals_.calls - plain), static_cast<long long>(totals_.grants),
              static_cast<long long>(plain), share(plain, totals_.calls - plain),
              static_cast<long long>(totals_.foreign), share(totals_.foreign, totals_.grants));
  std::printf("writes %lld, refused as stale %lld\n", static_cast<long long>(totals_.writes),
              static_cast<long long>(totals_.refused));
  print("ends of calls:", totals_.statuses);
  print("ends of releases:", totals_.releases);
  print("troubles:", deck_.dealt());
  std::printf("on the links:");
  for (int fault = 0; fault < LinkProxy::kFaults; ++fault)
    std::printf(" %s %lld", LinkProxy::fault_name(fault),
                static_cast<long long>(crew_.proxy().struck(fault)));
  const auto sum = [](const std::vector<int64_t> &spans) {
    return ms(std::accumulate(spans.begin(), spans.end(), int64_t{0}));
  };
  std::printf(
      "\nnobody is blamed in stalls of the sampler: %zu, in all %s; nor while the server and the\n"
      "proxy are slow to answer it or do not answer: %zu, in all %s\n",
      stalls_.size(), sum(stalls_).c_str(), slow_.size(), sum(slow_).c_str());
  std::printf("ambiguous: %lld\n", static_cast<long long>(totals_.statuses["REDILOCK_E_UNKNOWN"] +
                                                          totals_.releases["REDILOCK_E_UNKNOWN"]));
  std::printf("hand-offs %zu: 50 %% %.2f ms, 95 %% %.2f ms, 99 %% %.2f ms, max %.2f ms\n",
              totals_.hand_offs.size(), quantile(0.5), quantile(0.95), quantile(0.99), quantile(1));
  const auto middle = [](std::vector<int64_t> &spans) {
    std::sort(spans.begin(), spans.end());
    return spans.empty() ? 0.0 : spans[spans.size() / 2] / 1000.0;
  };
  std::printf(
      "take-overs by a head that joined as such %zu: 50 %% %.2f ms; by one that became it %zu: 50 "
      "%% %.2f ms\n",
      totals_.take_overs.size(), middle(totals_.take_overs), totals_.next_take_overs.size(),
      middle(totals_.next_take_overs));
  std::printf("violations: %zu\n", checker_.violations().size());
}

}  // namespace fault
