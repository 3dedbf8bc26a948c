// The checks of what was promised to whoever got a lock, and of a run as a whole.
#include "story.hpp"

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
      cmocka_unit_test(calm_is_let_pass),          cmocka_unit_test(two_holders),
      cmocka_unit_test(belief_without_the_server), cmocka_unit_test(blind_sampler),
      cmocka_unit_test(fence_that_does_not_rise),  cmocka_unit_test(stale_write_taken),
      cmocka_unit_test(write_of_a_holder_refused), cmocka_unit_test(run_that_says_nothing),
  };
  return cmocka_run_group_tests_name("fault/checker", tests, nullptr, nullptr);
}
