// The counters of a client by themselves: buckets of waits, and names.
#include "values/statistics.hpp"

#include <string>

#include "../outcome.hpp"

using redilock::Micros;
using redilock::Stat;
using redilock::Statistics;

static std::string buckets(const Statistics &statistics) {
  std::string counts;
  for (const char *name : {"wait_us", "wait_1ms", "wait_10ms", "wait_100ms", "wait_1s", "wait_10s"})
    counts += std::to_string(statistics.value(redilock::stat_of(name))) + " ";
  return counts;
}

static void wait_counts_in_its_bucket_and_all_above(void **) {
  assert_returns(outcome_of([] {
                   Statistics statistics;
                   std::string log;
                   for (const int64_t us : {1000, 1001, 100001, 10000000, 10000001}) {
                     statistics.add_wait(Micros(us));
                     log += buckets(statistics) + "; ";
                   }
                   return log;
                 }),
                 "1000 1 1 1 1 1 ; 2001 1 2 2 2 2 ; 102002 1 2 2 3 3 ; 10102002 1 2 2 3 4 ; "
                 "20102003 1 2 2 3 4 ; ");
}

static void gauge_goes_up_and_down(void **) {
  assert_returns(outcome_of([] {
                   Statistics statistics;
                   statistics.add(Stat::kHeldNow);
                   statistics.add(Stat::kHeldNow);
                   statistics.add(Stat::kHeldNow, -1);
                   return std::to_string(statistics.value(Stat::kHeldNow)) + " " +
                          std::to_string(statistics.value(Stat::kQueuedNow));
                 }),
                 "1 0");
}

// The table is in the order of the constants.
static void names_are_those_of_the_constants(void **) {
  assert_true(redilock::stat_of("acquired") == Stat::kAcquired);
  assert_true(redilock::stat_of("wait_10s") == Stat::kWait10s);
  assert_true(redilock::stat_of("lost_stopped") == Stat::kLostStopped);
  assert_true(redilock::stat_of("held_now") == Stat::kHeldNow);
  assert_true(redilock::stat_of("nonsense") == Stat::kCount);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(wait_counts_in_its_bucket_and_all_above),
      cmocka_unit_test(gauge_goes_up_and_down),
      cmocka_unit_test(names_are_those_of_the_constants),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
