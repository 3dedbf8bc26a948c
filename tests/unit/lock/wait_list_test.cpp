// Who waits, and which waiters ask the server after a loss or a failure; times in microseconds.
#include "lock/wait_list.hpp"

#include <algorithm>

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::Instant;
using redilock::Millis;
using redilock::Queued;
using redilock::Waiter;
using redilock::WaitList;

static constexpr Millis kTtl(30000);

static Queued place(int64_t arrival, int64_t rank, int64_t sent = 0, bool joined = false) {
  Queued queued{};
  queued.arrival = arrival;
  queued.rank = rank;
  queued.holder_ttl = Millis(600000);
  queued.sent = at_us(sent);
  queued.joined = joined;
  queued.known = true;
  return queued;
}

// Two waiters of one lock and one of another, placed at 0.
struct Three {
  Three() {
    for (Waiter *waiter : {&one, &two, &other}) list.add(*waiter);
    list.answered(one, place(7, 4, 0, true), at_us(0));
    list.answered(two, place(8, 5, 0, true), at_us(0));
    list.answered(other, place(9, 4, 0, true), at_us(0));
  }
  std::string dues() {
    return us_of(list.due(one)) + " " + us_of(list.due(two)) + " " + us_of(list.due(other));
  }
  // Their letters, in the order of the alphabet.
  std::string names(const std::vector<Waiter *> &waiters) {
    std::string names;
    for (const Waiter *waiter : waiters) names += waiter == &one ? "1" : waiter == &two ? "2" : "M";
    std::sort(names.begin(), names.end());
    return names.empty() ? "none" : names;
  }
  std::string names(const std::array<Waiter *, 2> &waiters) {
    std::vector<Waiter *> all(waiters.begin(), waiters.end());
    all.erase(std::remove(all.begin(), all.end(), nullptr), all.end());
    return names(all);
  }
  WaitList list{Millis(250)};
  Waiter one{"1", "L", kTtl}, two{"2", "L", kTtl}, other{"3", "M", kTtl};
};

static void first_place_of_each_queue_asks(void **) {
  assert_returns(outcome_of([] { return Three().dues(); }), "2000000 never 2000000");
}

static void new_waiter_has_no_time(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   Waiter fourth("4", "L", kTtl);
                   all.list.add(fourth);
                   return us_of(all.list.due(fourth));
                 }),
                 "never");
}

static void next_place_takes_over_when_the_first_goes(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   std::string changed = all.names(all.list.remove(all.one, at_us(100)));
                   changed += " " + us_of(all.list.due(all.two));
                   changed += " " + all.names(all.list.remove(all.two, at_us(100)));
                   all.list.remove(all.other, at_us(100));
                   return changed + (all.list.has_places() || !all.list.empty() ? " some" : "");
                 }),
                 "2 2000000 none");
}

static void place_behind_the_first_goes_unnoticed(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   const std::string changed = all.names(all.list.remove(all.two, at_us(100)));
                   return changed + " " + all.dues();
                 }),
                 "none 2000000 never 2000000");
}

static void lost_place_makes_all_places_ask(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   const std::string changed =
                       all.names(all.list.answered(all.one, place(7, 0, 50, true), at_us(60)));
                   return changed + " " + all.dues();
                 }),
                 "2M 2000000 60 60");
}

static void lost_record_makes_all_places_ask(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   Queued reply = place(7, 0, 50);
                   reply.known = false;
                   std::string text = all.names(all.list.answered(all.one, reply, at_us(60)));
                   text += " " + all.names(all.list.beat_answered(true, at_us(70)));
                   return text + " " + all.names(all.list.beat_answered(false, at_us(80)));
                 }),
                 "2M none 12M");
}

// n lost places cause one round of re-checks, not n.
static void reply_to_a_re_check_after_a_loss_is_no_news(void **) {
  assert_returns(
      outcome_of([] {
        Three all;
        all.list.answered(all.one, place(7, 0, 50, true), at_us(60));
        std::string text = all.names(all.list.answered(all.two, place(8, 1, 70, true), at_us(80)));
        text += " " + all.names(all.list.answered(all.other, place(9, 1, 70, true), at_us(80)));
        return text + " " + all.names(all.list.answered(all.two, place(8, 1, 90, true), at_us(99)));
      }),
      "none none 1M");
}

// A second loss hits the place that found the first one, while the others join again because of that.
static void all_places_ask_after_a_new_subscription_if_one_has_joined_again(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   std::string text = all.names(all.list.subscribed(at_us(40)));
                   all.list.answered(all.two, place(8, 5, 50, true), at_us(60));
                   all.list.answered(all.one, place(7, 4, 70, true), at_us(80));
                   text += " " + all.names(all.list.subscribed(at_us(90)));
                   all.list.answered(all.one, place(7, 4, 95), at_us(99));
                   return text + " " + all.names(all.list.subscribed(at_us(100)));
                 }),
                 "1M 12M 1M");
}

// So that loss is another one than the one that has caused the request.
static void reply_from_before_the_subscription_is_news(void **) {
  const auto asking = [](int64_t subscribed) {
    return outcome_of([=] {
      Three all;
      all.list.answered(all.two, place(8, 5, 50, true), at_us(60));
      all.list.subscribed(at_us(subscribed));
      return all.names(all.list.answered(all.one, place(7, 4, 70, true), at_us(99)));
    });
  };
  assert_returns(asking(65), "none");
  assert_returns(asking(80), "2M");
}

static void next_reply_after_a_missed_one_counts_as_a_loss(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   all.list.reply_missed();
                   std::string text = all.names(all.list.beat_answered(true, at_us(60)));
                   return text + " " + all.names(all.list.beat_answered(true, at_us(70)));
                 }),
                 "12M none");
}

// The missed request may have come after the one that was answered, and found its place lost.
static void waiter_of_that_reply_asks_again_too(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   all.list.reply_missed();
                   const std::string changed =
                       all.names(all.list.answered(all.one, place(7, 4, 50), at_us(60)));
                   return changed + " " + all.dues();
                 }),
                 "12M 60 60 60");
}

// The record of a client that did not wait has ended; that is no loss.
static void first_join_finds_no_record(void **) {
  assert_returns(outcome_of([] {
                   WaitList list{Millis(250)};
                   Waiter one{"1", "L", kTtl}, two{"2", "M", kTtl};
                   list.add(one);
                   list.add(two);
                   Queued unknown = place(7, 0, 0, true);
                   unknown.known = false;
                   const size_t first = list.answered(one, unknown, at_us(0)).size();
                   list.answered(two, place(8, 0, 0, true), at_us(0));
                   const size_t later = list.answered(two, unknown, at_us(0)).size();
                   list.remove(one, at_us(0));
                   list.remove(two, at_us(0));
                   list.add(one);
                   const size_t again = list.answered(one, unknown, at_us(0)).size();
                   return std::to_string(first) + std::to_string(later) + std::to_string(again);
                 }),
                 "010");
}

static void first_places_ask_after_a_new_subscription(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   const std::string changed = all.names(all.list.subscribed(at_us(30)));
                   return changed + " " + all.dues();
                 }),
                 "1M 30 never 30");
}

// The reply does not say that the place was lost, and the next one with it.
static void next_place_asks_after_a_grant_by_a_reply(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   std::string told = all.names(all.list.granted(all.one, at_us(40))) + " ";
                   told += all.names(all.list.remove(all.one, at_us(50))) + " ";
                   Waiter fourth("4", "L", kTtl);  // has no place yet
                   all.list.add(fourth);
                   told += all.names(all.list.granted(fourth, at_us(60))) + " ";
                   return told + us_of(all.list.due(all.two));
                 }),
                 "2 2 none 40");
}

static void next_place_asks_if_the_first_goes_before_its_reply(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   all.list.subscribed(at_us(30));
                   all.list.remove(all.one, at_us(50));
                   return us_of(all.list.due(all.two));
                 }),
                 "30");
}

static void all_places_move_when_the_client_starts_to_poll(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   std::string text = all.names(all.list.poll_from(at_us(30)));
                   text += " " + all.dues();
                   Queued moved = place(7, 0, 40, true);
                   moved.known = false;
                   text += " " + all.names(all.list.answered(all.one, moved, at_us(50)));
                   return text + " " + us_of(all.list.due(all.one));
                 }),
                 "12M 30 30 30 none 250050");
}

static void one_waiter_asks_for_all_that_failed(void **) {
  assert_returns(
      outcome_of([] {
        Three all;
        for (Waiter *waiter : {&all.one, &all.two, &all.other})
          all.list.failed(*waiter, at_us(3000000));
        std::string text = all.dues();
        all.list.failed(all.one, at_us(3250000));
        text += ", " + all.dues();
        const auto changed = all.list.answered(all.one, place(7, 0, 3500000), at_us(3500000));
        text += ", " + all.names(changed);
        const Instant two = all.list.due(all.two), other = all.list.due(all.other);
        return text + " " + us_of(std::min(two, other)) + " " + us_of(std::max(two, other));
      }),
      "3250000 never never, 3500000 never never, 2M 3500000 3505000");
}

static void another_waiter_asks_for_all_when_the_first_goes(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   all.list.failed(all.one, at_us(3000000));
                   all.list.failed(all.other, at_us(3000000));
                   const auto changed = all.list.remove(all.one, at_us(3100000));
                   std::string text = all.names(changed) + " " + us_of(all.list.due(all.other));
                   return text + " " + all.names(all.list.granted(all.other, at_us(3400000)));
                 }),
                 "2M 3350000 none");
}

// Arrivals differ, unless a server lost its data and its clock was stepped back.
static void two_with_one_arrival_do_not_lose_each_other(void **) {
  assert_returns(outcome_of([] {
                   WaitList list{Millis(250)};
                   Waiter one{"1", "L", kTtl}, two{"2", "L", kTtl};
                   list.add(one);
                   list.add(two);
                   list.answered(one, place(7, 0), at_us(0));
                   list.answered(two, place(7, 0), at_us(0));
                   list.remove(two, at_us(0));
                   return us_of(list.due(one));
                 }),
                 "2000000");
}

static void waiters_are_found_by_their_id(void **) {
  assert_returns(outcome_of([] {
                   Three all;
                   const bool found = all.list.find("2") == &all.two;
                   all.list.remove(all.two, at_us(0));
                   return std::string(found ? "found" : "") +
                          (all.list.find("2") == nullptr ? ", gone" : "");
                 }),
                 "found, gone");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(first_place_of_each_queue_asks),
      cmocka_unit_test(new_waiter_has_no_time),
      cmocka_unit_test(next_place_takes_over_when_the_first_goes),
      cmocka_unit_test(place_behind_the_first_goes_unnoticed),
      cmocka_unit_test(lost_place_makes_all_places_ask),
      cmocka_unit_test(lost_record_makes_all_places_ask),
      cmocka_unit_test(reply_to_a_re_check_after_a_loss_is_no_news),
      cmocka_unit_test(all_places_ask_after_a_new_subscription_if_one_has_joined_again),
      cmocka_unit_test(reply_from_before_the_subscription_is_news),
      cmocka_unit_test(next_reply_after_a_missed_one_counts_as_a_loss),
      cmocka_unit_test(waiter_of_that_reply_asks_again_too),
      cmocka_unit_test(first_join_finds_no_record),
      cmocka_unit_test(first_places_ask_after_a_new_subscription),
      cmocka_unit_test(next_place_asks_after_a_grant_by_a_reply),
      cmocka_unit_test(next_place_asks_if_the_first_goes_before_its_reply),
      cmocka_unit_test(all_places_move_when_the_client_starts_to_poll),
      cmocka_unit_test(one_waiter_asks_for_all_that_failed),
      cmocka_unit_test(another_waiter_asks_for_all_when_the_first_goes),
      cmocka_unit_test(two_with_one_arrival_do_not_lose_each_other),
      cmocka_unit_test(waiters_are_found_by_their_id),
  };
  return cmocka_run_group_tests_name("lock/wait_list", tests, nullptr, nullptr);
}
