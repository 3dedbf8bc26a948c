// Who waits, and when the server is asked again; times in microseconds.
#include "lock/wait_list.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::kNever;
using redilock::Millis;
using redilock::Queued;
using redilock::Waiter;
using redilock::WaitList;

// An answer that took no time.
static Queued place(int64_t arrival, int64_t rank, int64_t holder_ms = 60000) {
  Queued queued{};
  queued.sent = kNever;
  queued.arrival = arrival;
  queued.rank = rank;
  if (holder_ms >= 0) queued.holder_ttl = Millis(holder_ms);
  return queued;
}

struct Two {
  Two() {
    list.add(one);
    list.add(two);
  }
  WaitList list{Millis(250)};
  Waiter one{"1", "L"}, two{"2", "L"};
  std::string dues() { return us_of(list.due(one)) + " " + us_of(list.due(two)); }
};

static void new_waiter_has_no_time(void **) {
  assert_returns(outcome_of([] { return Two().dues(); }), "never never");
}

static void only_the_oldest_asks_again(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.two, place(8, 1), at_us(100));
                   const std::string alone = both.dues();
                   both.list.answered(both.one, place(7, 0), at_us(200));
                   return alone + " " + both.dues();
                 }),
                 "never 2000100 2000200 never");
}

static void head_asks_when_the_holder_expires_or_sooner_if_foreign(void **) {
  const auto due = [](Queued queued) {
    return outcome_of([&] {
      Two both;
      both.list.answered(both.one, queued, at_us(0));
      return us_of(both.list.due(both.one));
    });
  };
  assert_returns(due(place(7, 0, 500)), "501000");
  assert_returns(due(place(7, 1, 500)), "2000000");
  assert_returns(due(place(7, 0, -1)), "2000000");
  assert_returns(due(place(7, 0, redilock::kTtlMax.count())), "2000000");
  Queued foreign = place(7, 0, 500);
  foreign.foreign = true;
  assert_returns(due(foreign), "250000");
  foreign.rank = 1;
  assert_returns(due(foreign), "2000000");
}

static void oldest_that_goes_leaves_its_duty_to_the_next(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   const bool told = both.list.remove(both.one) == &both.two;
                   const bool last = both.list.remove(both.two) == nullptr;
                   return both.dues() + (told ? " told" : "") + (last ? " last" : "") +
                          (both.list.empty() ? " empty" : "");
                 }),
                 "never never told last empty");
}

static void one_that_is_not_the_oldest_goes_unnoticed(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   const bool none = both.list.remove(both.two) == nullptr;
                   return us_of(both.list.due(both.one)) + (none ? " none" : "");
                 }),
                 "2000000 none");
}

static void lost_place_makes_the_others_ask_too(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   Queued again = place(9, 0);
                   again.joined = true;
                   const auto others = both.list.answered(both.one, again, at_us(20));
                   const bool two = others.size() == 1 && others[0] == &both.two;
                   return both.dues() + (two ? " two" : "");
                 }),
                 "never 20 two");
}

static void everybody_asks_after_wake_ups_may_have_been_missed(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   Waiter other("3", "M");
                   both.list.add(other);
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   both.list.answered(other, place(9, 0), at_us(10));
                   const size_t count = both.list.all_due(at_us(30)).size();
                   return std::to_string(count) + " " + both.dues() + " " +
                          us_of(both.list.due(other));
                 }),
                 "2 30 never 30");
}

// The answers of requests that left before do not know of it: places may be lost since.
static void what_becomes_due_during_a_request_stays_due(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   both.list.all_due(at_us(30));
                   Queued old = place(7, 0), old_second = place(8, 1), again = place(7, 0);
                   old.sent = at_us(29);
                   old_second.sent = at_us(49);
                   again.sent = at_us(40);
                   again.joined = true;
                   both.list.answered(both.one, old, at_us(35));
                   const std::string first = both.dues();
                   both.list.answered(both.one, again, at_us(50));
                   both.list.answered(both.two, old_second, at_us(60));
                   const std::string second = both.dues();
                   old_second.sent = at_us(61);
                   both.list.answered(both.two, old_second, at_us(70));
                   return first + ", " + second + ", " + both.dues();
                 }),
                 "30 never, 2000050 50, 2000050 never");
}

static void failed_request_is_postponed(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(8, 1), at_us(10));
                   both.list.postpone(both.one, at_us(77));
                   both.list.postpone(both.two, at_us(88));
                   const std::string postponed = both.dues();
                   both.list.answered(both.one, place(7, 0), at_us(100));
                   both.list.answered(both.two, place(8, 1), at_us(100));
                   return postponed + " " + both.dues();
                 }),
                 "77 88 2000100 never");
}

// Arrivals differ, unless a server lost its data and its clock was stepped; both must still be
// asked for.
static void two_with_one_arrival_do_not_lose_each_other(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   both.list.answered(both.one, place(7, 0), at_us(0));
                   both.list.answered(both.two, place(7, 0), at_us(0));
                   both.list.remove(both.two);
                   return us_of(both.list.due(both.one));
                 }),
                 "2000000");
}

static void waiters_are_found_by_their_id(void **) {
  assert_returns(outcome_of([] {
                   Two both;
                   const bool found = both.list.find("2") == &both.two;
                   both.list.remove(both.two);
                   return std::string(found ? "found" : "") +
                          (both.list.find("2") == nullptr ? ", gone" : "");
                 }),
                 "found, gone");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(new_waiter_has_no_time),
      cmocka_unit_test(only_the_oldest_asks_again),
      cmocka_unit_test(head_asks_when_the_holder_expires_or_sooner_if_foreign),
      cmocka_unit_test(oldest_that_goes_leaves_its_duty_to_the_next),
      cmocka_unit_test(one_that_is_not_the_oldest_goes_unnoticed),
      cmocka_unit_test(lost_place_makes_the_others_ask_too),
      cmocka_unit_test(everybody_asks_after_wake_ups_may_have_been_missed),
      cmocka_unit_test(what_becomes_due_during_a_request_stays_due),
      cmocka_unit_test(failed_request_is_postponed),
      cmocka_unit_test(two_with_one_arrival_do_not_lose_each_other),
      cmocka_unit_test(waiters_are_found_by_their_id),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
