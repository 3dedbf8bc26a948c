// When one place asks the server again; times in microseconds.
#include "lock/recheck.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::Instant;
using redilock::kNever;
using redilock::Millis;
using redilock::Queued;
using redilock::RecheckTimes;

static constexpr redilock::Micros kLongTtl{30000000};
static const RecheckTimes::Client kAlone{Millis(250), false, 1}, kPolling{Millis(250), true, 1};

static Queued place(int64_t rank, int64_t holder_ms, int64_t sent = 0) {
  Queued queued{};
  queued.rank = rank;
  if (holder_ms >= 0) queued.holder_ttl = Millis(holder_ms);
  queued.sent = at_us(sent);
  return queued;
}

// When a place asks after its join at 0, if the reply was this one.
static Outcome due_after_join(const Queued &reply, const RecheckTimes::Client &client = kAlone,
                              redilock::Micros ttl = kLongTtl) {
  return outcome_of([&] {
    RecheckTimes times(ttl);
    times.on_reply(reply, client, at_us(0));
    return us_of(times.due(true)) + " " + us_of(times.due(false));
  });
}

static void head_asks_when_the_lease_ends(void **) {
  assert_returns(due_after_join(place(0, 500)), "501000 501000");
  assert_returns(due_after_join(place(0, 0)), "1000 1000");
  assert_returns(due_after_join(place(0, 60000)), "2000000 60001000");
  assert_returns(due_after_join(place(0, -1)), "2000000 never");
}

static void deputies_ask_later_the_farther_back_they_are(void **) {
  assert_returns(due_after_join(place(1, 500)), "1000000 never");
  assert_returns(due_after_join(place(2, 500)), "1500000 never");
  assert_returns(due_after_join(place(3, 0)), "1500000 never");
  assert_returns(due_after_join(place(4, 0)), "2000000 never");
  assert_returns(due_after_join(place(1, -1)), "2000000 never");
}

static void head_behind_a_foreign_holder_asks_at_the_interval(void **) {
  Queued foreign = place(0, 60000);
  foreign.foreign = true;
  assert_returns(due_after_join(foreign), "250000 250000");
  foreign.holder_ttl = Millis(100);
  assert_returns(due_after_join(foreign), "101000 101000");
  foreign.rank = 1;
  foreign.holder_ttl = Millis(60000);
  assert_returns(due_after_join(foreign), "2000000 never");
}

static void client_that_polls_asks_at_the_interval_at_any_rank(void **) {
  assert_returns(due_after_join(place(7, 60000), kPolling), "250000 never");
}

static void short_leases_bring_a_first_re_check_forward(void **) {
  assert_returns(due_after_join(place(7, 60000), kAlone, Millis(300)), "300000 never");
  assert_returns(due_after_join(place(7, 60000), kAlone, Millis(1)), "20000 never");
}

// The reply of a re-check that was sent at `sent` leaves this as the next time.
static Outcome due_after_recheck(int64_t sent, redilock::Micros ttl = kLongTtl, size_t places = 1) {
  return outcome_of([&] {
    const RecheckTimes::Client client{Millis(250), false, places};
    RecheckTimes times(ttl);
    times.on_reply(place(7, 600000), client, at_us(0));
    times.on_reply(place(7, 600000, sent), client, at_us(sent));
    return us_of(times.due(true));
  });
}

static void earlier_re_check_does_not_cancel_the_first_one(void **) {
  assert_returns(due_after_recheck(1999999), "2000000");
  assert_returns(due_after_recheck(2000000), "4000000");
  assert_returns(due_after_recheck(300000, Millis(300)), "2000000");
}

static void more_places_ask_less_often_each(void **) {
  assert_returns(due_after_recheck(2000000, kLongTtl, 20), "4000000");
  assert_returns(due_after_recheck(2000000, kLongTtl, 100), "12000000");
  assert_returns(due_after_recheck(2000000, kLongTtl, 600), "62000000");
  assert_returns(due_after_recheck(2000000, kLongTtl, 100000), "62000000");
}

static void free_lock_behind_dead_waiters_is_asked_for_at_once(void **) {
  Queued reply = place(3, -1);
  reply.ask_again = true;
  assert_returns(due_after_join(reply), "1000 1000");
}

// After a join at 0 with rank 1, and what `change` does at 100.
template <class Change>
static std::string changed(const Change &change) {
  RecheckTimes times(kLongTtl);
  times.on_reply(place(1, 600000), kAlone, at_us(0));
  change(times);
  return us_of(times.due(true)) + " " + us_of(times.due(false));
}

static void next_message_sets_the_time_of_the_head(void **) {
  assert_returns(outcome_of([] {
                   return changed([](auto &times) { times.on_next(at_us(700), at_us(100)); });
                 }),
                 "700 700");
}

// A message may be forged, or late.
static void next_message_postpones_nothing(void **) {
  assert_returns(outcome_of([] {
                   return changed([](auto &times) {
                     times.on_next(at_us(700), at_us(100));
                     times.on_next(at_us(90000000), at_us(101));
                   });
                 }),
                 "700 700");
}

static void pushes_cause_one_re_check_a_second_at_most(void **) {
  assert_returns(outcome_of([] {
                   return changed([](auto &times) {
                     times.on_doubtful_push(at_us(100));
                     times.on_reply(place(1, 600000, 110), kAlone, at_us(120));
                     times.on_doubtful_push(at_us(130));
                     times.on_next(at_us(140), at_us(140));
                   });
                 }),
                 "1000110 1000110");
}

static void reply_from_before_a_push_does_not_cancel_its_re_check(void **) {
  assert_returns(outcome_of([] {
                   return changed([](auto &times) {
                     times.on_next(at_us(700), at_us(100));
                     times.on_reply(place(1, 600000, 99), kAlone, at_us(120));
                   });
                 }),
                 "700 700");
  assert_returns(outcome_of([] {
                   return changed([](auto &times) {
                     times.on_next(at_us(700), at_us(100));
                     times.on_reply(place(1, 600000, 101), kAlone, at_us(120));
                   });
                 }),
                 "2000000 never");
}

static void reply_from_before_a_loss_does_not_cancel_its_re_check(void **) {
  assert_returns(outcome_of([] {
                   return changed([](auto &times) {
                     times.ask_at(at_us(100), at_us(100));
                     times.on_reply(place(1, 600000, 99), kAlone, at_us(120));
                   });
                 }),
                 "100 100");
}

static void failure_replaces_all_times_that_have_come(void **) {
  assert_returns(
      outcome_of([] {
        return changed([](auto &times) { times.on_failure(at_us(9000000), at_us(5000000)); });
      }),
      "9000000 9000000");
  assert_returns(
      outcome_of([] { return changed([](auto &times) { times.on_failure(kNever, at_us(100)); }); }),
      "2000000 never");
}

static void place_that_becomes_the_first_does_not_ask_at_once(void **) {
  assert_returns(
      outcome_of([] {
        return changed([](auto &times) { times.on_becoming_first(kAlone, at_us(5000000)); });
      }),
      "7000000 never");
  assert_returns(outcome_of([] {
                   return changed([](auto &times) { times.on_becoming_first(kAlone, at_us(100)); });
                 }),
                 "2000000 never");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(head_asks_when_the_lease_ends),
      cmocka_unit_test(deputies_ask_later_the_farther_back_they_are),
      cmocka_unit_test(head_behind_a_foreign_holder_asks_at_the_interval),
      cmocka_unit_test(client_that_polls_asks_at_the_interval_at_any_rank),
      cmocka_unit_test(short_leases_bring_a_first_re_check_forward),
      cmocka_unit_test(earlier_re_check_does_not_cancel_the_first_one),
      cmocka_unit_test(more_places_ask_less_often_each),
      cmocka_unit_test(free_lock_behind_dead_waiters_is_asked_for_at_once),
      cmocka_unit_test(next_message_sets_the_time_of_the_head),
      cmocka_unit_test(next_message_postpones_nothing),
      cmocka_unit_test(pushes_cause_one_re_check_a_second_at_most),
      cmocka_unit_test(reply_from_before_a_push_does_not_cancel_its_re_check),
      cmocka_unit_test(reply_from_before_a_loss_does_not_cancel_its_re_check),
      cmocka_unit_test(failure_replaces_all_times_that_have_come),
      cmocka_unit_test(place_that_becomes_the_first_does_not_ask_at_once),
  };
  return cmocka_run_group_tests_name("lock/recheck", tests, nullptr, nullptr);
}
