// The states of a lease; times in microseconds.
#include "lock/lease.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::Claim;
using redilock::Lease;
using redilock::LockKeys;
using redilock::Millis;
using redilock::Status;

// Held until 1000, with a ttl of 100 ms and renewals until 500000.
struct Held : Lease {
  Held() : Lease("L", Claim{LockKeys("", "L"), "t", Millis(100)}, 5, at_us(1000), at_us(500000)) {}
  std::string at(int64_t now) {
    const char *names[] = {"held", "lost", "released"};
    return std::string(names[static_cast<int>(state(at_us(now)))]) + " " +
           std::to_string(remaining(at_us(now)).count());
  }
  std::string renewal(int64_t now) { return std::to_string(renewal_ttl(at_us(now)).count()); }
};

template <class Code>
static Outcome lease(const Code &code) {
  return outcome_of([&] {
    Held held;
    return code(held);
  });
}

static void it_is_held_until_its_end_and_lost_from_then_on(void **) {
  assert_returns(lease([](Held &held) { return held.at(999) + ", " + held.at(1000); }),
                 "held 1, lost 0");
}

static void extension_lengthens(void **) {
  assert_returns(lease([](Held &held) {
                   held.extended(at_us(500), Millis(1000), at_us(600));
                   return held.at(600);
                 }),
                 "held 987900");
}

static void extension_never_shortens(void **) {
  assert_returns(lease([](Held &held) {
                   held.extended(at_us(0), Millis(1), at_us(600));
                   return held.at(600);
                 }),
                 "held 400");
}

static void late_extension_revives_nothing(void **) {
  assert_returns(lease([](Held &held) {
                   held.extended(at_us(900), Millis(1000), at_us(1000));
                   return held.at(1001) + ", " + held.at(0);
                 }),
                 "lost 0, lost 0");
}

static void lost_lease_stays_lost(void **) {
  assert_returns(lease([](Held &held) {
                   held.lost(at_us(1));
                   held.extended(at_us(0), Millis(1000), at_us(1));
                   return held.at(1) + " " + held.renewal(1);
                 }),
                 "lost 0 0");
}

static void one_of_several_releases(void **) {
  assert_returns(lease([](Held &held) {
                   std::string log = held.begin_release() ? "first" : "none";
                   log += held.begin_release() ? " second" : "";
                   log += ", " + held.at(1) + " " + held.renewal(1);
                   held.released();
                   held.lost(at_us(1));
                   log += ", " + held.at(1) + (held.begin_release() ? " again" : "");
                   return log;
                 }),
                 "first, held 0 0, released 0");
}

static void failed_release_may_be_asked_for_again(void **) {
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.release_failed(false);
                   std::string log = held.at(1);
                   log += held.begin_release() ? " again" : "";
                   return log + (held.release_was_ambiguous() ? " ambiguous" : "");
                 }),
                 "held 999 again");
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.release_failed(true);
                   held.begin_release();
                   held.release_failed(false);
                   std::string log = held.at(1);
                   log += held.begin_release() ? " again" : "";
                   return log + (held.release_was_ambiguous() ? " ambiguous" : "");
                 }),
                 "lost 0 again ambiguous");
}

static void failed_release_ends_what_kept_it(void **) {
  assert_returns(lease([](Held &held) {
                   std::string log = held.renewal(1);
                   held.begin_release();
                   held.release_failed(false);
                   log += " " + held.renewal(1);
                   held.lost(at_us(1));
                   return log + (held.is_lost(at_us(1)) ? " log" : "");
                 }),
                 "100 0");
}

static void renewal_stops_at_its_ceiling_and_when_let_go(void **) {
  assert_returns(lease([](Held &held) {
                   held.extended(at_us(0), Millis(10000), at_us(1));
                   std::string log = held.renewal(1);
                   log += " " + held.renewal(450000) + " " + held.renewal(499999);
                   log += " " + held.renewal(500000);
                   held.let_go();
                   return log + " " + held.renewal(1);
                 }),
                 "100 51 1 0 0");
}

// ---------------------------------------------------------------- messages

static void loss_says_who_took_the_lock(void **) {
  assert_returns(lease([](Held &held) {
                   std::string log = held.message(at_us(1));
                   held.lost(at_us(1));
                   log += held.message(at_us(1)) + "; ";
                   held.taken_by("held by host-b/77");
                   return log + held.message(at_us(2000));
                 }),
                 "lost: taken away or expired; lost: taken away: now held by host-b/77");
  assert_returns(lease([](Held &held) {
                   held.lost(at_us(1));
                   held.taken_by("");
                   return held.message(at_us(1));
                 }),
                 "lost: taken away: now free");
}

static void lease_that_nobody_renews_has_ended(void **) {
  assert_returns(lease([](Held &held) {
                   const std::string before = held.message(at_us(999));
                   return before + held.message(at_us(1000));
                 }),
                 "lost: its lease of 100ms has ended");
  // What the server says after the end is no news.
  assert_returns(lease([](Held &held) {
                   held.lost(at_us(1000));
                   held.taken_by("held by host-b/77");
                   return held.message(at_us(1000));
                 }),
                 "lost: its lease of 100ms has ended");
}

static void failed_renewals_say_why(void **) {
  assert_returns(lease([](Held &held) {
                   held.looks_at(at_us(500));
                   held.failed("renew", {Status::kUnavailable, "s:6379: away"});
                   std::string log = held.message(at_us(999)) + "; ";
                   return log + held.message(at_us(1000));
                 }),
                 "cannot renew: s:6379: away; lost: not renewed for 100ms: s:6379: away");
}

static void renewal_that_succeeds_takes_the_failure_back(void **) {
  assert_returns(lease([](Held &held) {
                   held.looks_at(at_us(500));
                   held.failed("renew", {Status::kUnavailable, "away"});
                   held.extended(at_us(900), Millis(100), at_us(901));
                   const std::string before = held.message(at_us(902));
                   return before + held.message(at_us(600000));
                 }),
                 "lost: not renewed for 100ms");
}

static void thread_that_came_late_was_stopped(void **) {
  const auto late_by = [](int64_t us) {
    return lease([us](Held &held) {
      held.looks_at(at_us(500));
      held.looked_at(at_us(500 + us));
      held.looks_at(at_us(600 + us));
      return held.message(at_us(1000000000));
    });
  };
  assert_returns(late_by(40000000),
                 "lost: this process was stopped or suspended for 40s or longer");
  assert_returns(late_by(1000000), "lost: not renewed for 100ms");
}

static void lease_over_its_ceiling_says_so(void **) {
  assert_returns(outcome_of([] {
                   const Claim claim{LockKeys("", "L"), "t", Millis(100)};
                   Lease held("L", claim, 5, at_us(97000), at_us(100000), Millis(86400000));
                   held.looks_at(at_us(97000));
                   return held.message(at_us(5000000));
                 }),
                 "lost: max_hold of 1d is over");
}

static void release_of_what_is_gone_keeps_the_reason(void **) {
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.released_late(at_us(10));
                   return held.message(at_us(2000));
                 }),
                 "lost: taken away or expired");
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.released_late(at_us(1000));
                   return held.message(at_us(2000));
                 }),
                 "lost: its lease of 100ms has ended");
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.failed("release", {Status::kUnavailable, "away"});
                   held.release_failed(false);
                   std::string log = held.message(at_us(10)) + ";";
                   held.begin_release();
                   held.released();
                   return log + held.message(at_us(2000));
                 }),
                 "cannot release: away;");
}

// ---------------------------------------------------------------- statistics

// How a lease of 100 ms that was granted at 0 is counted: "held now, held for, stopped, expired".
template <class Code>
static Outcome counted(const Code &code) {
  return outcome_of([&] {
    redilock::Telemetry telemetry;
    {
      const Claim claim{LockKeys("", "L"), "t", Millis(100)};
      Lease held("L", claim, 5, at_us(1000), at_us(50000), Millis(50), &telemetry);
      code(held);
    }
    std::string counts;
    for (const auto stat : {redilock::Stat::kHeldNow, redilock::Stat::kHeld,
                            redilock::Stat::kLostStopped, redilock::Stat::kLostExpired})
      counts += std::to_string(telemetry.statistics.value(stat)) + " ";
    return counts;
  });
}

static void lease_counts_its_end_once(void **) {
  assert_returns(counted([](Lease &held) {
                   held.count_end(at_us(600));
                   held.count_end(at_us(700));
                   held.lost(at_us(800));
                 }),
                 "0 600 0 0 ");
  assert_returns(counted([](Lease &) {}), "0 0 0 0 ");
}

static void lease_that_ended_was_held_until_its_end(void **) {
  assert_returns(counted([](Lease &held) { held.looked_at(at_us(9000)); }), "0 1000 0 1 ");
}

static void lease_of_a_stopped_process_is_counted_as_such(void **) {
  assert_returns(counted([](Lease &held) {
                   held.looks_at(at_us(500));
                   held.looked_at(at_us(40000000));
                 }),
                 "0 1000 1 0 ");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_is_held_until_its_end_and_lost_from_then_on),
      cmocka_unit_test(extension_lengthens),
      cmocka_unit_test(extension_never_shortens),
      cmocka_unit_test(late_extension_revives_nothing),
      cmocka_unit_test(lease_counts_its_end_once),
      cmocka_unit_test(lease_that_ended_was_held_until_its_end),
      cmocka_unit_test(lease_of_a_stopped_process_is_counted_as_such),
      cmocka_unit_test(loss_says_who_took_the_lock),
      cmocka_unit_test(lease_that_nobody_renews_has_ended),
      cmocka_unit_test(failed_renewals_say_why),
      cmocka_unit_test(renewal_that_succeeds_takes_the_failure_back),
      cmocka_unit_test(thread_that_came_late_was_stopped),
      cmocka_unit_test(lease_over_its_ceiling_says_so),
      cmocka_unit_test(release_of_what_is_gone_keeps_the_reason),
      cmocka_unit_test(lost_lease_stays_lost),
      cmocka_unit_test(one_of_several_releases),
      cmocka_unit_test(failed_release_may_be_asked_for_again),
      cmocka_unit_test(failed_release_ends_what_kept_it),
      cmocka_unit_test(renewal_stops_at_its_ceiling_and_when_let_go),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
