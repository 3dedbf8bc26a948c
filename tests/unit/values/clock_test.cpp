// Instants so far apart that their sum or difference would overflow.
#include "values/clock.hpp"

#include "../outcome.hpp"

using redilock::after;
using redilock::Instant;
using redilock::kNever;
using redilock::Micros;

static Instant at(int64_t us) { return Instant(Micros(us)); }

static void span_is_added(void **) {
  assert_true(after(at(5), Micros(7)) == at(12));
  assert_true(after(at(5), Micros(-7)) == at(-2));
  assert_true(after(at(-9007199254740992), Micros(1000)) == at(-9007199254739992));
}

static void what_is_too_late_never_comes(void **) {
  assert_true(after(kNever, Micros(-1)) == kNever);
  assert_true(after(at(1), Micros::max()) == kNever);
  assert_true(after(at(0), Micros::max()) == kNever);
  assert_true(after(at(-1), Micros::max()) == at(INT64_MAX - 1));
  assert_true(after(kNever - Micros(1), Micros(2)) == kNever);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(span_is_added),
      cmocka_unit_test(what_is_too_late_never_comes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
