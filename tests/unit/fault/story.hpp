// Histories for the checks of the fault harness: a calm one, and what may go wrong in it. Each check
// has to let one pass, and another not. Times in milliseconds.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "../outcome.hpp"
#include "fault/bounds.hpp"
#include "fault/checker.hpp"

using fault::Checker;
using fault::Event;
using fault::kMs;

inline const char *const kOk = "REDILOCK_OK";
// 0 would be no time.
inline constexpr int64_t kStart = 100000;

inline std::string us(int64_t at) { return std::to_string((kStart + at) * kMs); }

// One call and what follows it.
struct One {
  std::string id;
  int64_t start, end;
  const char *status = kOk, *kind = "endless";
  int64_t wait = -1, ttl = 2000, fence = 0, until = 0;
  int64_t release = -1, released = -1;
  const char *release_status = kOk;
  bool renew = false;
};

class Story {
 public:
  // A calm one: a holder, a waiter to whom it hands the lock, and the lock is free.
  Story() {
    first = {"w0.1.0.1", 0, 10};
    first.fence = 100, first.until = 1970, first.release = 500, first.released = 501;
    second = {"w1.1.0.1", 100, 502};
    second.fence = 200, second.until = 2470, second.release = 900, second.released = 901;
    state(-5, "", "");
    state(8, first.id, "");
    state(110, first.id, second.id + ":150:1");
    state(505, second.id, "");
    state(905, "", "");
  }

  void add(int64_t at, const char *kind, std::map<std::string, std::string> fields) {
    events_.push_back({(kStart + at) * kMs, kind, std::move(fields)});
  }

  // What the server was seen to be from the look at this time on; the one before was 5 ms earlier.
  void state(int64_t at, const std::string &holder, const std::string &queue) {
    add(at, "state",
        {{"name", "job"},
         {"holder", holder},
         {"queue", queue},
         {"from", us(at - 1)},
         {"last_from", us(at - 6)},
         {"last_to", us(at - 5)}});
  }
  void no_states() { remove("state"); }

  void write(const One &one, int64_t at, bool taken) {
    add(at, "write",
        {{"id", one.id},
         {"from", us(at)},
         {"fence", std::to_string(one.fence)},
         {"taken", taken ? "1" : "0"},
         {"held", at < std::min(one.until, one.release) ? "1" : "0"}});
  }
  void trouble(const char *kind, int worker, int64_t from, int64_t to) {
    add(from, "fault", {{"kind", kind}, {"worker", std::to_string(worker)}, {"to", us(to)}});
  }
  void slow(int64_t from, int64_t to) { add(from, "slow", {{"to", us(to)}}); }
  // `clock`: below it are the fences that were drawn before.
  void wipe(int64_t at, int64_t clock) {
    add(at, "wipe", {{"to", us(at + 1)}, {"clock", std::to_string(clock)}});
  }

  // The names of the checks that complain, once each.
  std::string verdict(int64_t end = 4000) {
    tell(first);
    tell(second);
    for (const One &one : others) tell(one);
    add(end, "look", {{"from", us(end - 1)}});
    std::stable_sort(events_.begin(), events_.end(),
                     [](const Event &a, const Event &b) { return a.at < b.at; });
    fault::Record record;
    for (const Event &event : events_) record.add(event);
    checker.check(record, totals);
    checker.judge(totals, 0);
    std::string checks;
    for (const auto &violation : checker.violations())
      if (checks.find(violation.check) == std::string::npos)
        checks += (checks.empty() ? "" : " ") + violation.check;
    return checks;
  }

  One first, second;
  std::vector<One> others;
  Checker checker;
  fault::Totals totals;

 private:
  void remove(const std::string &kind) {
    events_.erase(std::remove_if(events_.begin(), events_.end(),
                                 [&](const Event &event) { return event.kind == kind; }),
                  events_.end());
  }

  void tell(const One &one) {
    add(one.start, "call",
        {{"id", one.id},
         {"name", "job"},
         {"kind", one.kind},
         {"ttl", std::to_string(one.ttl)},
         {"wait", std::to_string(one.wait)},
         {"cancel", one.kind == std::string("cancelled") ? std::to_string(300 * kMs) : "0"},
         {"renew", one.renew ? "1" : "0"}});
    if (one.end >= 0)
      add(one.end, "end",
          {{"id", one.id},
           {"status", one.status},
           {"fence", std::to_string(one.fence)},
           {"until", us(one.until)}});
    if (one.release >= 0) add(one.release, "release", {{"id", one.id}});
    if (one.released >= 0)
      add(one.released, "released", {{"id", one.id}, {"status", one.release_status}});
  }

  std::vector<Event> events_;
};

// `change` is what goes wrong in the calm story.
template <class Change>
Outcome verdict_on(Change change) {
  return outcome_of([&] {
    Story story;
    change(story);
    return story.verdict();
  });
}
