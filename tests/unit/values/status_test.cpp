// Names and sentences of statuses.
#include "values/status.hpp"

#include <redilock/redilock.h>

#include "../outcome.hpp"

using redilock::Error;
using redilock::Status;
using redilock::status_name;
using redilock::status_text;

static void names_are_those_of_the_header(void **) {
#define SAME(constant, status)                                      \
  assert_int_equal(constant, static_cast<int32_t>(Status::status)); \
  assert_string_equal(status_name(constant), #constant)
  SAME(REDILOCK_OK, kOk);
  SAME(REDILOCK_E_HELD, kHeld);
  SAME(REDILOCK_E_TIMEOUT, kTimeout);
  SAME(REDILOCK_E_CANCELLED, kCancelled);
  SAME(REDILOCK_E_INTERRUPTED, kInterrupted);
  SAME(REDILOCK_E_LOST, kLost);
  SAME(REDILOCK_E_NOT_OWNER, kNotOwner);
  SAME(REDILOCK_E_UNKNOWN, kUnknown);
  SAME(REDILOCK_E_UNAVAILABLE, kUnavailable);
  SAME(REDILOCK_E_AUTH, kAuth);
  SAME(REDILOCK_E_SERVER, kServer);
  SAME(REDILOCK_E_PROTOCOL, kProtocol);
  SAME(REDILOCK_E_INVALID, kInvalid);
  SAME(REDILOCK_E_NO_MEMORY, kNoMemory);
  SAME(REDILOCK_E_FORKED, kForked);
  SAME(REDILOCK_E_CLOSED, kClosed);
  SAME(REDILOCK_E_UNSUPPORTED, kUnsupported);
  SAME(REDILOCK_E_INTERNAL, kInternal);
#undef SAME
}

static void every_status_has_its_own_sentence(void **) {
  for (int32_t a = 0; a >= REDILOCK_E_INTERNAL; --a) {
    assert_true(strlen(status_text(a)) >= 4);
    for (int32_t b = 0; b > a; --b) assert_string_not_equal(status_text(a), status_text(b));
  }
}

static void numbers_that_are_no_status_are_said_to_be_unknown(void **) {
  for (const int32_t number : {1, REDILOCK_E_INTERNAL - 1, INT32_MAX, INT32_MIN}) {
    assert_string_equal(status_name(number), "REDILOCK_E_?");
    assert_string_equal(status_text(number), "an unknown status");
  }
}

static void errors_carry_what_they_were_made_with(void **) {
  assert_throws(outcome_of([]() -> std::string { throw Error(Status::kAuth, "who are you"); }),
                kAuth, "who are you");
  assert_false(Error(Status::kAuth, "").retriable());
  assert_true(Error(Status::kServer, "loading", true).retriable());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(names_are_those_of_the_header),
      cmocka_unit_test(every_status_has_its_own_sentence),
      cmocka_unit_test(numbers_that_are_no_status_are_said_to_be_unknown),
      cmocka_unit_test(errors_carry_what_they_were_made_with),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
