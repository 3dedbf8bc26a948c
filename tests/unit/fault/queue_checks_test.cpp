// The checks of the queue.
#include "story.hpp"

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

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(place_left_behind),
      cmocka_unit_test(lock_kept_after_its_release),
      cmocka_unit_test(waiter_passed_on_the_server),
      cmocka_unit_test(waiter_passed_by_one_who_came_seconds_later),
      cmocka_unit_test(waiter_that_is_not_woken),
      cmocka_unit_test(waiter_without_a_place),
  };
  return cmocka_run_group_tests_name("fault/queue_checks", tests, nullptr, nullptr);
}
