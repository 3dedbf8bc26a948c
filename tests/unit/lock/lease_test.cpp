// The states of a lease; times in microseconds.
#include "lock/lease.hpp"

#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::Claim;
using redilock::Lease;
using redilock::LockKeys;
using redilock::Millis;

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
                   held.lost();
                   held.extended(at_us(0), Millis(1000), at_us(1));
                   return held.at(1) + " " + held.renewal(1);
                 }),
                 "lost 0 0");
}

static void one_of_several_releases(void **) {
  assert_returns(lease([](Held &held) {
                   std::string told = held.begin_release() ? "first" : "none";
                   told += held.begin_release() ? " second" : "";
                   told += ", " + held.at(1) + " " + held.renewal(1);
                   held.released();
                   held.lost();
                   told += ", " + held.at(1) + (held.begin_release() ? " again" : "");
                   return told;
                 }),
                 "first, held 0 0, released 0");
}

static void failed_release_may_be_asked_for_again(void **) {
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.release_failed(false);
                   std::string told = held.at(1);
                   told += held.begin_release() ? " again" : "";
                   return told + (held.release_was_ambiguous() ? " ambiguous" : "");
                 }),
                 "held 999 again");
  assert_returns(lease([](Held &held) {
                   held.begin_release();
                   held.release_failed(true);
                   held.begin_release();
                   held.release_failed(false);
                   std::string told = held.at(1);
                   told += held.begin_release() ? " again" : "";
                   return told + (held.release_was_ambiguous() ? " ambiguous" : "");
                 }),
                 "lost 0 again ambiguous");
}

static void failed_release_ends_what_kept_it(void **) {
  assert_returns(lease([](Held &held) {
                   std::string told = held.renewal(1);
                   held.begin_release();
                   held.release_failed(false);
                   told += " " + held.renewal(1);
                   held.lost();
                   return told + (held.is_lost(at_us(1)) ? " told" : "");
                 }),
                 "100 0");
}

static void renewal_stops_at_its_ceiling_and_when_let_go(void **) {
  assert_returns(lease([](Held &held) {
                   held.extended(at_us(0), Millis(10000), at_us(1));
                   std::string told = held.renewal(1);
                   told += " " + held.renewal(450000) + " " + held.renewal(499999);
                   told += " " + held.renewal(500000);
                   held.let_go();
                   return told + " " + held.renewal(1);
                 }),
                 "100 51 1 0 0");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_is_held_until_its_end_and_lost_from_then_on),
      cmocka_unit_test(extension_lengthens),
      cmocka_unit_test(extension_never_shortens),
      cmocka_unit_test(late_extension_revives_nothing),
      cmocka_unit_test(lost_lease_stays_lost),
      cmocka_unit_test(one_of_several_releases),
      cmocka_unit_test(failed_release_may_be_asked_for_again),
      cmocka_unit_test(failed_release_ends_what_kept_it),
      cmocka_unit_test(renewal_stops_at_its_ceiling_and_when_let_go),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
