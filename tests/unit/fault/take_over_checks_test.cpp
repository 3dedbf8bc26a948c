// The checks of the head of a queue.
#include "story.hpp"

// The lease of the first holder ends unreleased. The head was behind another waiter before.
static void head_that_does_not_take_over(void **) {
  const auto taken_over = [](int64_t at, const char *between) {
    return verdict_on([&](Story &story) {
      story.first.ttl = 3000, story.first.until = 2960;
      story.first.release = story.first.released = -1;
      story.second.start = 30, story.second.end = 3000, story.second.until = 3980;
      story.second.ttl = 1000, story.second.release = story.second.released = -1;
      story.others.push_back({"w3.1.0.1", 600, at});
      One &one = story.others.back();
      one.fence = 300, one.until = at + 1900, one.release = at + 10, one.released = at + 11;
      const std::string head = "w3.1.0.1:160:1";
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(40, story.first.id, story.second.id + ":150:1");
      story.state(610, story.first.id, story.second.id + ":150:1 " + between + head);
      story.state(3000, story.second.id, head);
      story.state(4000, "", head);
      story.state(at + 1, "w3.1.0.1", "");
      story.state(at + 12, "", "");
    });
  };
  assert_returns(taken_over(5100, ""), "");
  assert_returns(taken_over(5500, ""), "take-over");
  assert_returns(taken_over(5500, "w3.9.0.1:155:0 "), "");
}

// What was timed, in ms: of heads that joined as such, and of those that became the head.
static std::string timed(const Story &story) {
  std::string text;
  for (int64_t span : story.totals.take_overs) text += "joined " + std::to_string(span / kMs);
  for (int64_t span : story.totals.next_take_overs) text += "next " + std::to_string(span / kMs);
  return text;
}

// The lease of the first holder ends at 1000. The sampler sees it from 5 ms before on.
static void take_over_by_a_head_that_joined_is_timed(void **) {
  const auto taken_over = [](int64_t at, int64_t other_start, bool released) {
    return outcome_of([&] {
      Story story;
      story.first.release = released ? 990 : -1, story.first.released = released ? 1002 : -1;
      story.first.ttl = 1000, story.first.until = 985;
      story.second.end = at;
      story.others.push_back(
          {"w3.1.0.1", other_start, other_start + 1, "REDILOCK_E_HELD", "try", 0});
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(110, story.first.id, story.second.id + ":150:1");
      story.state(1005, "", story.second.id + ":150:1");
      story.state(at, story.second.id, "");
      story.verdict();
      return timed(story);
    });
  };
  assert_returns(taken_over(1300, 500, false), "joined 300");
  assert_returns(taken_over(1300, 1100, false), "");  // it handed the lock to the head
  assert_returns(taken_over(1300, 500, true), "");
}

// The second holder was granted the lock at 500; its lease ends at `ends` and is not released.
static void take_over_by_a_waiter_that_became_the_head_is_timed(void **) {
  const auto taken_over = [](int64_t joined, int64_t ends, int64_t ttl) {
    return outcome_of([&] {
      Story story;
      story.second.ttl = ends - 500, story.second.until = ends - 10;
      story.second.release = story.second.released = -1;
      story.others.push_back({"w3.1.0.1", joined, ends + 100});
      story.others.back().ttl = ttl;
      story.no_states();
      story.state(8, story.first.id, "");
      story.state(110, story.first.id, story.second.id + ":150:1");
      story.state(joined + 9, story.first.id, story.second.id + ":150:1 w3.1.0.1:160:1");
      story.state(505, story.second.id, "w3.1.0.1:160:1");
      story.state(ends + 5, "", "w3.1.0.1:160:1");
      story.state(ends + 100, "w3.1.0.1", "");
      story.verdict();
      return timed(story);
    });
  };
  assert_returns(taken_over(120, 900, 2000), "next 100");
  assert_returns(taken_over(400, 900, 2000), "");   // too young to be notified
  assert_returns(taken_over(120, 1200, 2000), "");  // it asked 500 ms after the first lease
  assert_returns(taken_over(120, 900, 500), "");    // and at the end of its own ttl
}

static void half_of_the_heads_may_not_be_late(void **) {
  const auto judged = [](size_t count, int64_t span) {
    return outcome_of([&] {
      Checker checker;
      fault::Totals totals;
      totals.grants = 1;
      totals.take_overs.assign(count, span * kMs);
      totals.next_take_overs.assign(count, span * kMs);
      checker.judge(totals, 0);
      return std::to_string(checker.violations().size());
    });
  };
  assert_returns(judged(4, 151), "2");
  assert_returns(judged(4, 149), "0");
  assert_returns(judged(3, 151), "0");
}

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(head_that_does_not_take_over),
      cmocka_unit_test(take_over_by_a_head_that_joined_is_timed),
      cmocka_unit_test(take_over_by_a_waiter_that_became_the_head_is_timed),
      cmocka_unit_test(half_of_the_heads_may_not_be_late),
  };
  return cmocka_run_group_tests_name("fault/take_over_checks", tests, nullptr, nullptr);
}
