/* The numbers that programs were compiled with: each constant of redilock.h against the number it
   had in the release that brought it. Lines are only ever added. */
#include "support/locks.h"

#define VALUES(X)                    \
  X(REDILOCK_OK, 0)                  \
  X(REDILOCK_E_HELD, -1)             \
  X(REDILOCK_E_TIMEOUT, -2)          \
  X(REDILOCK_E_CANCELLED, -3)        \
  X(REDILOCK_E_INTERRUPTED, -4)      \
  X(REDILOCK_E_LOST, -5)             \
  X(REDILOCK_E_NOT_OWNER, -6)        \
  X(REDILOCK_E_UNKNOWN, -7)          \
  X(REDILOCK_E_UNAVAILABLE, -8)      \
  X(REDILOCK_E_AUTH, -9)             \
  X(REDILOCK_E_SERVER, -10)          \
  X(REDILOCK_E_PROTOCOL, -11)        \
  X(REDILOCK_E_INVALID, -12)         \
  X(REDILOCK_E_NO_MEMORY, -13)       \
  X(REDILOCK_E_FORKED, -14)          \
  X(REDILOCK_E_CLOSED, -15)          \
  X(REDILOCK_E_UNSUPPORTED, -16)     \
  X(REDILOCK_E_INTERNAL, -17)        \
  X(REDILOCK_COMPLETION_ACQUIRE, 1)  \
  X(REDILOCK_COMPLETION_RELEASE, 2)  \
  X(REDILOCK_COMPLETION_EXTEND, 3)   \
  X(REDILOCK_COMPLETION_LOSS, 4)     \
  X(REDILOCK_COMPLETION_BREAK, 5)    \
  X(REDILOCK_COMPLETION_INFO, 6)     \
  X(REDILOCK_COMPLETION_LOG, 7)      \
  X(REDILOCK_LOG_ERROR, 1)           \
  X(REDILOCK_LOG_WARNING, 2)         \
  X(REDILOCK_LOG_INFO, 3)            \
  X(REDILOCK_LOG_LINE_MAX, 1023)     \
  X(REDILOCK_STATE_FREE, 0)          \
  X(REDILOCK_STATE_HELD, 1)          \
  X(REDILOCK_STATE_FOREIGN, 2)       \
  X(REDILOCK_NAME_MAX, 1024)         \
  X(REDILOCK_TTL_MAX, 31536000000LL) \
  X(REDILOCK_WAIT_FOREVER, -1)

#define PIN(name, value) _Static_assert((name) == (value), #name " is part of the ABI");
VALUES(PIN)
_Static_assert(sizeof(enum redilock_status) == 4,
               "a status fits into the int32_t it is returned as");
_Static_assert(sizeof(enum redilock_completion) == 4, "a kind fits into the int32_t it is told as");
_Static_assert(sizeof(enum redilock_state) == 4, "a state fits into the int32_t it is returned as");

/* The library may be another than the header that a program was compiled with. */
static void the_library_tells_the_same_numbers(void **state) {
  (void)state;
  int64_t told;
#define ASK(name, value)                                       \
  assert_status(REDILOCK_OK, redilock_constant(#name, &told)); \
  assert_int_equal(told, value);
  VALUES(ASK)
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_library_tells_the_same_numbers)};
  return cmocka_run_group_tests_name("capi/abi_values", tests, NULL, NULL);
}
