// The machine of an acquire: how long its steps may take, and where they lead; times in
// microseconds.
#include "lock/acquire_machine.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::AcquireMachine;
using redilock::Claim;
using redilock::Error;
using redilock::Granted;
using redilock::Held;
using redilock::Millis;
using redilock::Queued;
using redilock::Status;

static constexpr Millis kTtl(1000), kTimeout(5000);

static AcquireMachine acquiring(Millis wait) {
  return AcquireMachine(Claim{{"", "lock"}, "token", kTtl}, at_us(0), wait, kTimeout, kTimeout);
}

static std::string step_of(const AcquireMachine &machine) {
  static const char *const names[] = {"try", "subscribe", "queue", "wait", "leave", "done"};
  return names[static_cast<int>(machine.step())];
}

static std::string until(const AcquireMachine &machine, int64_t now) {
  return step_of(machine) + " " + us_of(machine.step_end(at_us(now)));
}

static std::string end_of(const AcquireMachine &machine) {
  if (machine.step() != AcquireMachine::Step::kDone) return step_of(machine);
  const Status status = machine.grant() ? Status::kOk : machine.why().status();
  return std::to_string(static_cast<int>(status)) + (machine.grant() ? " granted" : "") +
         (machine.must_undo() ? " undo" : "");
}

static std::string ended(Status status, const char *more = "") {
  return std::to_string(static_cast<int>(status)) + more;
}

static void try_takes_one_timeout_at_most(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(Millis(0));
                   machine.begin(true);
                   return until(machine, 4000000);
                 }),
                 "try 5000000");
}

static void first_place_in_the_queue_takes_one_timeout_at_most(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(false);
                   std::string steps = until(machine, 1000000);
                   machine.replied(Held{false}, at_us(2000000));
                   steps += ", " + until(machine, 2000000);
                   machine.subscribed();
                   return steps + ", " + until(machine, 4000000);
                 }),
                 "try 5000000, subscribe 5000000, queue 5000000");
}

static void recheck_has_a_timeout_of_its_own(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(true);
                   machine.queues_under("channel");
                   machine.replied(Queued{}, at_us(1000000));
                   const std::string wait = until(machine, 60000000);
                   machine.due();
                   return wait + ", " + until(machine, 60000000);
                 }),
                 "wait never, queue 65000000");
}

static void request_outlasts_the_wait_by_the_grace_alone(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(Millis(100));
                   machine.begin(true);
                   machine.queues_under("channel");
                   std::string steps = until(machine, 0);
                   machine.replied(Queued{}, at_us(1000));
                   steps += ", " + until(machine, 1000);
                   machine.passed(at_us(99999));
                   steps += ", " + step_of(machine);
                   machine.passed(at_us(100000));
                   return steps + ", " + until(machine, 100000);
                 }),
                 "queue 1100000, wait 100000, wait, leave 1100000");
}

static void trouble_costs_no_place_in_the_queue(void **) {
  assert_returns(outcome_of([] {
                   const Error passing(Status::kUnavailable, "away", true);
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(true);
                   machine.queues_under("channel");
                   machine.replied(Queued{}, at_us(0));
                   machine.due();
                   const bool stays = machine.failed(passing, true);
                   std::string steps = step_of(machine) + (stays ? " stays" : "");
                   machine.failed(Error(Status::kAuth, "no"), true);
                   return steps + ", " + step_of(machine);
                 }),
                 "wait stays, leave");
}

static void request_of_which_nothing_came_is_not_taken_back(void **) {
  const auto end = [](bool sent) {
    return outcome_of([&] {
      AcquireMachine machine = acquiring(redilock::kForever);
      machine.begin(true);
      machine.queues_under("channel");
      machine.failed(Error(Status::kUnavailable, "away", true), sent);
      return end_of(machine);
    });
  };
  assert_returns(end(false), ended(Status::kUnavailable).c_str());
  assert_returns(end(true), "leave");
}

static void unheard_try_is_undone(void **) {
  const auto end = [](bool sent) {
    return outcome_of([&] {
      AcquireMachine machine = acquiring(Millis(0));
      machine.begin(false);
      machine.failed(Error(Status::kUnavailable, "away", true), sent);
      return end_of(machine);
    });
  };
  assert_returns(end(false), ended(Status::kUnavailable).c_str());
  assert_returns(end(true), ended(Status::kUnknown, " undo").c_str());
}

static void grant_that_nobody_wants_is_handed_on(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(false);
                   machine.stop(Error(Status::kCancelled, "cancelled"));
                   std::string steps = step_of(machine);
                   machine.replied(Granted{7, at_us(0)}, at_us(10));
                   steps += ", " + step_of(machine);
                   machine.left();
                   return steps + ", " + end_of(machine);
                 }),
                 ("try, leave, " + ended(Status::kCancelled)).c_str());
}

static void place_that_cannot_be_given_up_is_undone(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(true);
                   machine.queues_under("channel");
                   machine.replied(Queued{}, at_us(0));
                   machine.stop(Error(Status::kCancelled, "cancelled", "", true));
                   machine.failed(Error(Status::kUnavailable, "away", true), true);
                   return end_of(machine);
                 }),
                 ended(Status::kUnknown, " undo").c_str());
}

// The lease of a second lasts until 988 ms by the local clock.
static void pushed_grant_with_little_left_is_confirmed_by_the_server(void **) {
  const auto after_push = [](int64_t now, bool anchored) {
    return outcome_of([&] {
      AcquireMachine machine = acquiring(redilock::kForever);
      machine.begin(true);
      machine.queues_under("channel");
      machine.replied(Queued{}, at_us(0));
      redilock::PushedGrant push{7, std::nullopt};
      if (anchored) push.anchor = at_us(0);
      const bool taken = machine.pushed(push, at_us(now));
      return end_of(machine) + (taken ? "" : " unsure");
    });
  };
  assert_returns(after_push(488000, true), ended(Status::kOk, " granted").c_str());
  assert_returns(after_push(488001, true), "wait unsure");
  assert_returns(after_push(0, false), "wait unsure");
}

static void grants_that_come_too_late_are_asked_for_anew_and_then_lost(void **) {
  assert_returns(outcome_of([] {
                   AcquireMachine machine = acquiring(redilock::kForever);
                   machine.begin(true);
                   machine.queues_under("channel");
                   std::string steps;
                   for (int i = 0; i < 3; ++i) {
                     machine.replied(Granted{7, at_us(0)}, at_us(988000));
                     steps += end_of(machine) + ", ";
                   }
                   return steps;
                 }),
                 ("queue, queue, " + ended(Status::kLost, " undo, ")).c_str());
}

// ---------------------------------------------------------------- messages

static Queued behind(const char *holding, std::optional<Millis> ttl, int64_t rank) {
  Queued queued{};
  queued.holding = holding;
  queued.holder_ttl = ttl;
  queued.rank = rank;
  return queued;
}

static void refused_try_says_who_holds_the_lock(void **) {
  const struct {
    Held held;
    int64_t now;
    const char *text;
  } cases[] = {
      {{false, Millis(12300), "held by host-b/77"}, 0, "held by host-b/77 for another 12.3s"},
      {{false, Millis(12300), "held by host-b/77"}, 300000, "held by host-b/77 for another 12s"},
      {{false, std::nullopt, "held by a foreign client"},
       0,
       "held by a foreign client without an end"},
      {{false, Millis(100), "held by shared holders"},
       5000000,
       "held by shared holders when last seen, 5s ago"},
      {{false, Millis(500), "at rest"}, 0, "at rest for another 500ms"},
      {{false, Millis(500), ""}, 0, "others wait for it"},
  };
  for (const auto &one : cases) {
    assert_throws(outcome_of([&]() -> std::string {
                    AcquireMachine machine = acquiring(Millis(0));
                    machine.begin(true);
                    machine.replied(one.held, at_us(0));
                    throw machine.why(false, at_us(one.now));
                  }),
                  kHeld, one.text);
  }
}

// How an acquire ends that waited in the queue, and then `ends`.
template <typename End>
static Outcome waited(const Queued &queued, const End &ends) {
  return outcome_of([&]() -> std::string {
    AcquireMachine machine = acquiring(kTimeout);
    machine.begin(true);
    machine.queues_under("channel");
    machine.replied(queued, at_us(0));
    ends(machine);
    machine.left();
    throw machine.why(false, at_us(5000000));
  });
}

static void wait_that_is_over_says_what_it_waited_for(void **) {
  const auto in_time = [](AcquireMachine &machine) { machine.passed(at_us(5000000)); };
  assert_throws(waited(behind("held by host-b/77", Millis(8100), 2), in_time), kTimeout,
                "not granted within 5s: held by host-b/77 for another 3.1s, 2 ahead in the queue");
  assert_throws(waited(behind("held by host-b/77", Millis(8100), 0), in_time), kTimeout,
                "not granted within 5s: held by host-b/77 for another 3.1s, next in the queue");
  assert_throws(waited(behind("", std::nullopt, 1), in_time), kTimeout,
                "not granted within 5s: others wait for it, 1 ahead in the queue");
}

static void wait_that_is_ended_says_what_it_waited_for(void **) {
  assert_throws(waited(behind("held by host-b/77", Millis(8100), 2),
                       [](AcquireMachine &machine) {
                         machine.stop(Error(Status::kCancelled, "the operation was cancelled"));
                       }),
                kCancelled,
                "the operation was cancelled: held by host-b/77 for another 3.1s, 2 ahead in the "
                "queue");
}

static void wait_without_replies_says_why(void **) {
  const auto fails = [](AcquireMachine &machine) {
    machine.due();
    machine.failed(Error(Status::kUnavailable, "s:6379: away", true), true);
    machine.passed(at_us(5000000));
  };
  assert_throws(waited(behind("held by host-b/77", Millis(1000), 0), fails), kTimeout,
                "not granted within 5s: s:6379: away; held by host-b/77 when last seen, 5s "
                "ago, next in the queue");
}

static void wait_that_is_over_while_the_server_is_away_says_so(void **) {
  const auto away = [](AcquireMachine &machine) {
    machine.passed(at_us(5000000));
    machine.failed(Error(Status::kUnavailable, "s:6379: away", true), true);
  };
  assert_throws(waited(behind("held by host-b/77", Millis(8100), 2), away), kUnknown,
                "not granted within 5s; the place in the queue could not be given up, which is "
                "tried again: s:6379: away");
}

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(try_takes_one_timeout_at_most),
      cmocka_unit_test(refused_try_says_who_holds_the_lock),
      cmocka_unit_test(wait_that_is_over_says_what_it_waited_for),
      cmocka_unit_test(wait_that_is_ended_says_what_it_waited_for),
      cmocka_unit_test(wait_without_replies_says_why),
      cmocka_unit_test(wait_that_is_over_while_the_server_is_away_says_so),
      cmocka_unit_test(first_place_in_the_queue_takes_one_timeout_at_most),
      cmocka_unit_test(recheck_has_a_timeout_of_its_own),
      cmocka_unit_test(request_outlasts_the_wait_by_the_grace_alone),
      cmocka_unit_test(trouble_costs_no_place_in_the_queue),
      cmocka_unit_test(request_of_which_nothing_came_is_not_taken_back),
      cmocka_unit_test(unheard_try_is_undone),
      cmocka_unit_test(grant_that_nobody_wants_is_handed_on),
      cmocka_unit_test(place_that_cannot_be_given_up_is_undone),
      cmocka_unit_test(pushed_grant_with_little_left_is_confirmed_by_the_server),
      cmocka_unit_test(grants_that_come_too_late_are_asked_for_anew_and_then_lost),
  };
  return cmocka_run_group_tests_name("lock/acquiring", tests, nullptr, nullptr);
}
