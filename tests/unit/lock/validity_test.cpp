// How long a lease is surely held: the drift, and the server's time as seen from here.
#include "lock/validity.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::drift;
using redilock::kNever;
using redilock::lease_end;
using redilock::Millis;
using redilock::ServerTime;

static constexpr int64_t kSecond = 1000000;

static std::string local(const ServerTime &time, int64_t server_us, int64_t now) {
  auto instant = time.local(server_us, at_us(now));
  return instant ? us_of(*instant) : "unknown";
}

static void drift_is_one_percent_and_2_ms(void **) {
  assert_int_equal(drift(Millis(0)).count(), 2000);
  assert_int_equal(drift(Millis(100)).count(), 3000);
  assert_int_equal(drift(Millis(30000)).count(), 302000);
}

static void lease_ends_early_by_the_drift(void **) {
  assert_returns(outcome_of([] { return us_of(lease_end(at_us(5000), Millis(1000))); }), "993000");
  // Over before it began: never held.
  assert_returns(outcome_of([] { return us_of(lease_end(at_us(5000), Millis(1))); }), "3990");
  assert_returns(outcome_of([] { return us_of(lease_end(kNever, Millis(1000))); }), "never");
}

static void nothing_is_known_without_a_sample(void **) {
  assert_returns(outcome_of([] { return local(ServerTime(), 1000, 5); }), "unknown");
}

static void best_sample_is_the_one_that_was_under_way_shortest(void **) {
  assert_returns(outcome_of([] {
                   ServerTime time;
                   // The true distance is 100: requests took 30, 5 and 20 to be read.
                   time.learn(at_us(1000), 930, at_us(1040));
                   time.learn(at_us(2000), 1905, at_us(2040));
                   time.learn(at_us(3000), 2920, at_us(3040));
                   return local(time, 3000, 3040);
                 }),
                 "3094");
}

static void local_time_is_never_late(void **) {
  const Outcome late = outcome_of([] {
    ServerTime time;
    int count = 0;
    for (int64_t i = 0; i < 20000; ++i) {
      const int64_t sent = kSecond + i * 5000, under_way = i * 7919 % 3000;
      time.learn(at_us(sent), sent + under_way - 123456, at_us(sent + under_way * 2));
      const int64_t now = sent + under_way * 2, event = now - 50;
      count += time.local(event - 123456, at_us(now)) > at_us(event) ? 1 : 0;
    }
    return std::to_string(count);
  });
  assert_returns(late, "0");
}

static void sample_ages_by_a_thousandth_and_is_forgotten_after_10_s(void **) {
  const auto after = [](int64_t age) {
    return outcome_of([&] {
      ServerTime time;
      time.learn(at_us(0), 0, at_us(0));
      return local(time, 5 * kSecond, age);
    });
  };
  assert_returns(after(0), "5000000");
  assert_returns(after(kSecond), "4999000");
  assert_returns(after(10 * kSecond), "4990000");
  assert_returns(after(10 * kSecond + 1), "unknown");
}

static void a_better_old_sample_gives_way_when_it_is_over(void **) {
  assert_returns(outcome_of([] {
                   ServerTime time;
                   time.learn(at_us(0), 0, at_us(0));
                   time.learn(at_us(9 * kSecond), 9 * kSecond + 40000, at_us(9 * kSecond));
                   return local(time, 0, 9 * kSecond) + " " + local(time, 0, 11 * kSecond);
                 }),
                 "-9000 -42000");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(drift_is_one_percent_and_2_ms),
      cmocka_unit_test(lease_ends_early_by_the_drift),
      cmocka_unit_test(nothing_is_known_without_a_sample),
      cmocka_unit_test(best_sample_is_the_one_that_was_under_way_shortest),
      cmocka_unit_test(local_time_is_never_late),
      cmocka_unit_test(sample_ages_by_a_thousandth_and_is_forgotten_after_10_s),
      cmocka_unit_test(a_better_old_sample_gives_way_when_it_is_over),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
