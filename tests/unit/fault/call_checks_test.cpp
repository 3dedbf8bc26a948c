// The checks of each call by itself.
#include "story.hpp"

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

// The server or the proxy had no processor, so the sampler's answer was late too. A long while without
// an answer breaks connections, from which a worker recovers.
static void server_that_is_slow_excuses_a_call(void **) {
  const auto slow = [](int64_t from, int64_t to) {
    return verdict_on([&](Story &story) {
      story.others.push_back({"w3.1.0.1", 600, 1000, "REDILOCK_E_UNAVAILABLE", "timed", 400});
      if (to != 0) story.slow(from, to);
    });
  };
  assert_returns(slow(0, 0), "outcome");
  assert_returns(slow(650, 1010), "");
  assert_returns(slow(650, 760), "");
  assert_returns(slow(450, 590), "outcome");
  assert_returns(slow(300, 590), "");
  assert_returns(slow(1001, 1400), "outcome");
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

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outcome_that_does_not_fit),
      cmocka_unit_test(flushed_scripts_excuse_nothing),
      cmocka_unit_test(server_that_is_slow_excuses_a_call),
      cmocka_unit_test(release_that_fails_in_calm),
      cmocka_unit_test(extension_that_fails_in_calm),
      cmocka_unit_test(release_or_extension_that_takes_too_long),
      cmocka_unit_test(lost_before_it_should),
      cmocka_unit_test(lost_and_back),
      cmocka_unit_test(renewal_that_does_not_come),
      cmocka_unit_test(call_that_ends_too_late),
  };
  return cmocka_run_group_tests_name("fault/call_checks", tests, nullptr, nullptr);
}
