// The checks of the fault harness, each with a history that it must let pass and with one that it
// must not. Times in milliseconds.
#include "fault/checker.hpp"

#include <algorithm>

#include "../outcome.hpp"
#include "fault/bounds.hpp"

using fault::Checker;
using fault::Event;
using fault::kMs;

static const char *const kOk = "REDILOCK_OK";
// 0 would be no time.
static constexpr int64_t kStart = 100000;

static std::string us(int64_t at) { return std::to_string((kStart + at) * kMs); }

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
    fault::Totals totals;
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
static Outcome verdict_on(Change change) {
  return outcome_of([&] {
    Story story;
    change(story);
    return story.verdict();
  });
}

static void calm_is_let_pass(void **) {
  assert_returns(verdict_on([](Story &) {}), "");
  assert_returns(verdict_on([](Story &story) {
                   story.write(story.first, 400, true);
                   story.write(story.second, 700, true);
                   story.write(story.first, 950, false);
                 }),
                 "");
}

static void two_holders(void **) {
  const auto early = [](Story &story) { story.second.end = 499; };
  assert_returns(verdict_on(early), "exclusion");
  assert_returns(verdict_on([&](Story &story) {
                   early(story);
                   story.wipe(490, 150);
                 }),
                 "");
  assert_returns(verdict_on([&](Story &story) {  // granted after the loss, and so fully judged
                   early(story);
                   story.wipe(2, 50);
                 }),
                 "exclusion");
}

static void belief_without_the_server(void **) {
  // Within one state, of which neither the first look nor the last is within the belief.
  assert_returns(verdict_on([](Story &story) {
                   story.others.push_back({"w2.1.0.1", 1000, 1001});
                   One &one = story.others.back();
                   one.fence = 300, one.until = 2980, one.release = 2400, one.released = 2401;
                 }),
                 "belief");
}

static void blind_sampler(void **) {
  const auto many = [](Story &story) {
    for (int i = 0; i < 30; ++i) {
      One one{"w2.1.0." + std::to_string(i), 1000 + 10 * i, 1001 + 10 * i};
      one.fence = 300 + i, one.until = one.end + 1970;
      one.release = one.end + 1, one.released = one.end + 2;
      story.others.push_back(one);
    }
  };
  assert_returns(verdict_on(many), "");
  assert_returns(verdict_on([&](Story &story) {
                   many(story);
                   story.no_states();
                 }),
                 "sampler");
}

static void fence_that_does_not_rise(void **) {
  assert_returns(verdict_on([](Story &story) { story.second.fence = 100; }), "fence");
}

static void stale_write_taken(void **) {
  const auto writes = [](Story &story) { story.write(story.first, 950, true); };
  assert_returns(verdict_on(writes), "");  // the second has not written yet, and came meanwhile
  assert_returns(verdict_on([&](Story &story) {
                   One third{"w2.1.0.1", 1000, 1001};
                   third.fence = 300, third.until = 2970, third.release = 1002;
                   third.released = 1003;
                   story.others.push_back(third);
                   story.write(third, 1002, true);
                   story.write(story.first, 1100, true);
                 }),
                 "store");
}

static void write_of_a_holder_refused(void **) {
  assert_returns(verdict_on([](Story &story) { story.write(story.first, 400, false); }), "store");
}

static void place_left_behind(void **) {
  const auto leaves = [](const char *status) {
    return verdict_on([&](Story &story) {
      story.others.push_back({"w2.1.0.1", 600, 900, status, "timed", 300});
      story.state(1000, "", "w2.1.0.1:160:1");
    });
  };
  assert_returns(leaves("REDILOCK_E_TIMEOUT"), "settled");
}

static void lock_kept_after_its_release(void **) {
  assert_returns(verdict_on([](Story &story) { story.state(1000, story.first.id, ""); }),
                 "settled the dead");
}

static void waiter_passed_on_the_server(void **) {
  const auto passed = [](bool alive) {
    return verdict_on([&](Story &story) {
      const std::string before = std::string("w3.1.0.1:140:") + (alive ? "1" : "0");
      story.others.push_back({"w3.1.0.1", 50, 910});
      One &one = story.others.back();
      one.fence = 300, one.until = 2800, one.release = 920, one.released = 921;
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(110, story.first.id, before + " " + story.second.id + ":150:1");
      story.state(505, story.second.id, before);
      story.state(905, "w3.1.0.1", "");
      story.state(922, "", "");
    });
  };
  assert_returns(passed(true), "order");
}

static void waiter_passed_by_one_who_came_seconds_later(void **) {
  assert_returns(verdict_on([](Story &story) {
                   story.no_states();
                   story.first.ttl = story.second.ttl = 9000;
                   story.first.until = 8900;
                   story.first.release = 5000, story.first.released = 5001;
                   story.second.start = 4500, story.second.end = 5002;
                   story.second.until = 9000;
                   story.second.release = 5100, story.second.released = 5101;
                   story.others.push_back({"w3.1.0.1", 1000, 5200});
                   One &one = story.others.back();
                   one.fence = 300, one.until = 7100, one.release = 5300, one.released = 5301;
                 }),
                 "order");
}

static void waiter_that_is_not_woken(void **) {
  const auto waits = [](int64_t end) {
    return verdict_on([&](Story &story) {
      story.others.push_back({"w3.1.0.1", 600, end});
      One &one = story.others.back();
      one.fence = 300, one.until = end + 1900, one.release = end + 10, one.released = end + 11;
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(505, story.second.id, "");
      story.state(610, story.second.id, "w3.1.0.1:160:1");
      story.state(902, "w3.1.0.1", "");
      story.state(end + 12, "", "");
    });
  };
  assert_returns(waits(1900), "");
  assert_returns(waits(2900), "wake-up");
}

static void waiter_without_a_place(void **) {
  const auto waits = [](int worker) {
    return verdict_on([&](Story &story) {
      story.second.release = 3900, story.second.released = 3901, story.second.until = 3950;
      story.second.ttl = 3400;
      story.others.push_back({"w3.1.0.1", 510, 3902});
      One &one = story.others.back();
      one.fence = 300, one.until = 5900, one.release = 3903, one.released = 3904;
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(505, story.second.id, "");
      story.state(3905, "", "");
      story.trouble("dark", worker, 500, 3000);
    });
  };
  assert_returns(waits(3), "");
  assert_returns(waits(2), "place");
}

static void outcome_that_does_not_fit(void **) {
  const auto said = [](const char *status, const char *kind, int64_t end, int worker) {
    return verdict_on([&](Story &story) {
      story.others.push_back({"w3.1.0.1", 600, end, status, kind, 400});
      story.trouble("dark", worker, 500, 3000);
    });
  };
  assert_returns(said("REDILOCK_E_TIMEOUT", "timed", 1000, 0), "");
  assert_returns(said("REDILOCK_E_TIMEOUT", "timed", 999, 0), "outcome");
  assert_returns(said("REDILOCK_E_TIMEOUT", "endless", 1000, 0), "outcome");
  assert_returns(said("REDILOCK_E_CANCELLED", "cancelled", 900, 0), "");
  assert_returns(said("REDILOCK_E_CANCELLED", "cancelled", 899, 0), "outcome");
  assert_returns(said("REDILOCK_E_HELD", "timed", 1000, 0), "outcome");
  assert_returns(said("REDILOCK_E_UNAVAILABLE", "timed", 1000, 3), "");
  assert_returns(said("REDILOCK_E_UNAVAILABLE", "timed", 1000, 0), "outcome");
  assert_returns(said("REDILOCK_E_UNAVAILABLE", "timed", 1000, -1), "");
  assert_returns(said("REDILOCK_E_INTERNAL", "timed", 1000, 3), "outcome");
}

static void flushed_scripts_excuse_nothing(void **) {
  assert_returns(
      verdict_on([](Story &story) {
        story.others.push_back({"w3.1.0.1", 600, 1000, "REDILOCK_E_UNKNOWN", "timed", 400});
        story.trouble("script-flush", -1, 500, 3000);
      }),
      "outcome");
}

static void release_that_fails_in_calm(void **) {
  const auto said = [](const char *status, int worker) {
    return verdict_on([&](Story &story) {
      story.second.release_status = status;
      story.trouble("dark", worker, 800, 3000);
    });
  };
  assert_returns(said("REDILOCK_E_UNKNOWN", 1), "");
  assert_returns(said("REDILOCK_E_UNKNOWN", 0), "outcome");
  assert_returns(said("REDILOCK_E_NOT_OWNER", 1), "outcome");
  assert_returns(said("REDILOCK_E_LOST", 1), "promise");
}

static void extension_that_fails_in_calm(void **) {
  const auto said = [](const char *status) {
    return verdict_on([&](Story &story) {
      story.add(400, "extending", {{"id", story.first.id}});
      story.add(420, "extend", {{"id", story.first.id}, {"status", status}});
    });
  };
  assert_returns(said(kOk), "");
  assert_returns(said("REDILOCK_E_SERVER"), "outcome");
  assert_returns(said("REDILOCK_E_LOST"), "promise");
}

static void release_or_extension_that_takes_too_long(void **) {
  const auto takes = [](int64_t extended, int64_t released) {
    return verdict_on([&](Story &story) {
      story.no_states();
      story.second.release = 2300, story.second.released = released;
      story.add(510, "extending", {{"id", story.second.id}});
      story.add(extended, "extend", {{"id", story.second.id}, {"status", kOk}});
    });
  };
  assert_returns(takes(2000, 3700), "");
  assert_returns(takes(2020, 3700), "deadline");
  assert_returns(takes(2000, 3810), "deadline");
}

static void lost_before_it_should(void **) {
  const auto loses = [](int64_t at, bool wiped) {
    return verdict_on([&](Story &story) {
      story.add(at, "lost", {{"id", story.second.id}});
      story.second.until = 800;
      if (wiped) story.wipe(600, 250);
    });
  };
  assert_returns(loses(800, false), "");
  assert_returns(loses(700, false), "promise");
  assert_returns(loses(700, true), "");
}

static void lost_and_back(void **) {
  assert_returns(verdict_on([](Story &story) {
                   story.second.until = 800;
                   story.add(800, "lost", {{"id", story.second.id}});
                   story.add(810, "hold", {{"id", story.second.id}, {"until", us(850)}});
                 }),
                 "promise");
}

static void renewal_that_does_not_come(void **) {
  const auto loses = [](bool renews, int worker) {
    return verdict_on([&](Story &story) {
      story.second.renew = renews;
      story.second.ttl = 600;
      story.second.until = 850;
      story.add(850, "lost", {{"id", story.second.id}});
      story.trouble("half-open", worker, 300, 800);
    });
  };
  assert_returns(loses(false, 0), "");
  assert_returns(loses(true, 1), "");
  assert_returns(loses(true, 0), "renewal");
}

static void call_that_ends_too_late(void **) {
  const auto takes = [](const char *kind, int64_t end, bool stopped) {
    return verdict_on([&](Story &story) {
      story.others.push_back({"w3.1.0.1", 600, end, "REDILOCK_E_UNKNOWN", kind, 400});
      story.trouble("dark", 3, 500, 4000);
      if (stopped) story.trouble("stop-worker", 3, 600, 1600);
    });
  };
  assert_returns(takes("try", 2000, false), "");
  assert_returns(takes("try", 2300, false), "deadline");
  assert_returns(takes("try", 2300, true), "");
  assert_returns(takes("timed", 4100, false), "");
  assert_returns(takes("timed", 4300, false), "deadline");
  // Also where it does not end at all before its process is killed.
  assert_returns(outcome_of([] {
                   Story story;
                   story.others.push_back({"w3.1.0.1", 600, -1, "", "try", 0});
                   story.add(3500, "kill", {{"life", "w3.1"}});
                   return story.verdict();
                 }),
                 "deadline");
}

static void run_that_says_nothing(void **) {
  assert_returns(outcome_of([] {
                   Checker checker;
                   checker.judge(fault::Totals{}, 0);
                   return checker.violations().at(0).what;
                 }),
                 "nothing was granted");
  const auto judged = [](fault::Totals totals) {
    return outcome_of([&] {
      Checker checker;
      totals.grants = 1;
      checker.judge(totals, 0);
      return std::to_string(checker.violations().size());
    });
  };
  fault::Totals totals;
  totals.kinds["try"] = {49, 0};
  totals.hand_offs.assign(49, 51 * kMs);
  assert_returns(judged(totals), "0");
  totals.kinds["try"] = {50, 0};
  totals.hand_offs.assign(60, 51 * kMs);
  assert_returns(judged(totals), "2");
}

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calm_is_let_pass),
      cmocka_unit_test(two_holders),
      cmocka_unit_test(belief_without_the_server),
      cmocka_unit_test(blind_sampler),
      cmocka_unit_test(fence_that_does_not_rise),
      cmocka_unit_test(stale_write_taken),
      cmocka_unit_test(write_of_a_holder_refused),
      cmocka_unit_test(place_left_behind),
      cmocka_unit_test(lock_kept_after_its_release),
      cmocka_unit_test(waiter_passed_on_the_server),
      cmocka_unit_test(waiter_passed_by_one_who_came_seconds_later),
      cmocka_unit_test(waiter_that_is_not_woken),
      cmocka_unit_test(waiter_without_a_place),
      cmocka_unit_test(outcome_that_does_not_fit),
      cmocka_unit_test(flushed_scripts_excuse_nothing),
      cmocka_unit_test(release_that_fails_in_calm),
      cmocka_unit_test(extension_that_fails_in_calm),
      cmocka_unit_test(release_or_extension_that_takes_too_long),
      cmocka_unit_test(lost_before_it_should),
      cmocka_unit_test(lost_and_back),
      cmocka_unit_test(renewal_that_does_not_come),
      cmocka_unit_test(call_that_ends_too_late),
      cmocka_unit_test(run_that_says_nothing),
  };
  return cmocka_run_group_tests_name("fault/checker", tests, nullptr, nullptr);
}
