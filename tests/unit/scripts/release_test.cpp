// release.lua and force_release.lua: release, leave, and the hand-off to who waits.
#include "script.hpp"

static constexpr auto kRelease = redilock::scripts::release;
static constexpr auto kForce = redilock::scripts::force_release;

#define KEYS \
  { "$L", "$Q" }
#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"
#define C_WAITS "ZADD|$Q|7|60000 c2 $C", "HSET|$W|c2|$fresh"
#define LEAVE \
  { "$A", "100000 c1 $A" }

static void owner_releases(void **) {
  script_test::check(
      kRelease,
      {
          {"alone", {"SET|$L|$A|PX|100000", "SET|$F|5"}, KEYS, {"$A"}, "1", "fence 5", ""},
          {"handed on with the waiter's ttl",
           {"SET|$L|$A|PX|100000", C_WAITS},
           KEYS,
           {"$A"},
           "1",
           "lock C 60000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"first of two waiters",
           {"SET|$L|$A|PX|100000", C_WAITS, "ZADD|$Q|6|60000 c1 $B", "HSET|$W|c1|$fresh"},
           KEYS,
           {"$A"},
           "1",
           "lock B 60000; queue [60000 c2 C 7]; fence T; alive [c2 near c1 near]",
           "c1: b T T"},
          {"past the dead",
           {"SET|$L|$A|PX|100000", C_WAITS, DEAD(3)},
           KEYS,
           {"$A"},
           "1",
           "lock C 60000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"only the dead", {"SET|$L|$A|PX|100000", DEAD(3)}, KEYS, {"$A"}, "1", "", ""},
          {"the counter is ahead",
           {"SET|$L|$A|PX|100000", C_WAITS, "SET|$F|8000000000000001"},
           KEYS,
           {"$A"},
           "1",
           "lock C 60000; fence 8000000000000002; alive [c2 near]",
           "c2: c 8000000000000002 T"},
      });
}

static void nobody_else_releases(void **) {
  script_test::check(kRelease, {
                                   {"another's",
                                    {"SET|$L|$B|PX|100000", C_WAITS},
                                    KEYS,
                                    {"$A"},
                                    "0",
                                    "lock B 100000; queue [60000 c2 C 7]; alive [c2 near]",
                                    ""},
                                   {"foreign", {"SET|$L|x"}, KEYS, {"$A"}, "0", "lock x", ""},
                                   {"free", {}, KEYS, {"$A"}, "0", "", ""},
                                   {"expired, others wait",
                                    {C_WAITS},
                                    KEYS,
                                    {"$A"},
                                    "0",
                                    "lock C 60000; fence T; alive [c2 near]",
                                    "c2: c T T"},
                               });
}

static void leaving_goes_out_of_the_queue(void **) {
  script_test::check(
      kRelease,
      {
          {"held",
           {"SET|$L|$B|PX|100000", "ZADD|$Q|5|100000 c1 $A", C_WAITS},
           KEYS,
           LEAVE,
           "0",
           "lock B 100000; queue [60000 c2 C 7]; alive [c2 near]",
           ""},
          {"last",
           {"SET|$L|$B|PX|100000", "ZADD|$Q|5|100000 c1 $A"},
           KEYS,
           LEAVE,
           "0",
           "lock B 100000",
           ""},
          {"not there", {"SET|$L|$B|PX|100000"}, KEYS, LEAVE, "0", "lock B 100000", ""},
          {"granted meanwhile", {"SET|$L|$A|PX|100000"}, KEYS, LEAVE, "1", "", ""},
          {"granted meanwhile, others wait",
           {"SET|$L|$A|PX|100000", C_WAITS},
           KEYS,
           LEAVE,
           "1",
           "lock C 60000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"free, others wait",
           {"ZADD|$Q|5|100000 c1 $A", C_WAITS},
           KEYS,
           LEAVE,
           "0",
           "lock C 60000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"free, others came first",
           {"ZADD|$Q|9|100000 c1 $A", C_WAITS},
           KEYS,
           LEAVE,
           "0",
           "lock C 60000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"free, though it could be woken itself",
           {"ZADD|$Q|5|100000 c1 $A", C_WAITS, "HSET|$W|c1|$fresh"},
           KEYS,
           LEAVE,
           "0",
           "lock C 60000; fence T; alive [c2 near c1 near]",
           "c2: c T T"},
          {"free, nobody else waits", {"ZADD|$Q|5|100000 c1 $A"}, KEYS, LEAVE, "0", "", ""},
      });
}

static void more_dead_are_left_for_another_call(void **) {
  script_test::check(
      kRelease,
      {
          {"100", {"SET|$L|$A|PX|100000", DEAD(100)}, KEYS, {"$A"}, "1", "", ""},
          {"101",
           {"SET|$L|$A|PX|100000", DEAD(101)},
           KEYS,
           {"$A"},
           "3",
           "queue [9 dead 101 101]",
           ""},
          {"101, asked again", {DEAD(101)}, KEYS, {"$A"}, "2", "queue [9 dead 101 101]", ""},
      });
}

static void any_holder_is_broken(void **) {
  script_test::check(kForce,
                     {
                         {"free", {}, KEYS, {}, "0", "", ""},
                         {"held", {"SET|$L|$B|PX|100000"}, KEYS, {}, "1", "", ""},
                         {"foreign list", {"LPUSH|$L|x"}, KEYS, {}, "1", "", ""},
                         {"handed on",
                          {"SET|$L|$B|PX|100000", C_WAITS},
                          KEYS,
                          {},
                          "1",
                          "lock C 60000; fence T; alive [c2 near]",
                          "c2: c T T"},
                         {"a list, handed on",
                          {"LPUSH|$L|x", C_WAITS},
                          KEYS,
                          {},
                          "1",
                          "lock C 60000; fence T; alive [c2 near]",
                          "c2: c T T"},
                         {"free, handed on",
                          {C_WAITS},
                          KEYS,
                          {},
                          "0",
                          "lock C 60000; fence T; alive [c2 near]",
                          "c2: c T T"},
                         {"the dead", {"SET|$L|$B|PX|100000", DEAD(2)}, KEYS, {}, "1", "", ""},
                         {"more dead",
                          {"SET|$L|$B|PX|100000", DEAD(101)},
                          KEYS,
                          {},
                          "3",
                          "queue [9 dead 101 101]",
                          ""},
                     });
}

// Others may have written the queue. What SET would refuse must not stop a release half-way.
static void a_ttl_that_no_lock_has_is_skipped(void **) {
  const char *const kOthers[] = {"ZADD|$Q|5|0 c2 $B", "ZADD|$Q|6|99999999999999999999 c2 $B"};
  for (const char *other : kOthers)
    script_test::check(kRelease, {
                                     {other,
                                      {"SET|$L|$A|PX|100000", other, C_WAITS},
                                      KEYS,
                                      {"$A"},
                                      "1",
                                      "lock C 60000; fence T; alive [c2 near]",
                                      "c2: c T T"},
                                 });
}

static void wrong_types_leave_nothing_half_done(void **) {
  script_test::check(kRelease,
                     {
                         {"lock",
                          {"LPUSH|$L|x", C_WAITS},
                          KEYS,
                          {"$A"},
                          "error WRONGTYPE",
                          "lock list; queue [60000 c2 C 7]; alive [c2 near]",
                          ""},
                         {"queue",
                          {"SET|$L|$A|PX|100000", "SET|$Q|x"},
                          KEYS,
                          {"$A"},
                          "error WRONGTYPE",
                          "lock A 100000; queue string",
                          ""},
                         {"fence",
                          {"SET|$L|$A|PX|100000", C_WAITS, "LPUSH|$F|x"},
                          KEYS,
                          {"$A"},
                          "error WRONGTYPE",
                          "lock A 100000; queue [60000 c2 C 7]; fence list; alive [c2 near]",
                          ""},
                         {"records",
                          {"SET|$L|$A|PX|100000", "ZADD|$Q|7|60000 c2 $C", "SET|$W|x"},
                          KEYS,
                          {"$A"},
                          "error WRONGTYPE",
                          "lock A 100000; queue [60000 c2 C 7]; alive string",
                          ""},
                         {"fence, leaving a free lock",
                          {"ZADD|$Q|5|100000 c1 $A", C_WAITS, "LPUSH|$F|x"},
                          KEYS,
                          LEAVE,
                          "error WRONGTYPE",
                          "queue [100000 c1 A 5 60000 c2 C 7]; fence list; alive [c2 near]",
                          ""},
                         {"records, leaving a free lock",
                          {"ZADD|$Q|5|100000 c1 $A", "ZADD|$Q|7|60000 c2 $C", "SET|$W|x"},
                          KEYS,
                          LEAVE,
                          "error WRONGTYPE",
                          "queue [100000 c1 A 5 60000 c2 C 7]; alive string",
                          ""},
                     });
  script_test::check(kForce, {
                                 {"records",
                                  {"SET|$L|$A|PX|100000", "ZADD|$Q|7|60000 c2 $C", "SET|$W|x"},
                                  KEYS,
                                  {},
                                  "error WRONGTYPE",
                                  "lock A 100000; queue [60000 c2 C 7]; alive string",
                                  ""},
                             });
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(owner_releases),
      cmocka_unit_test(nobody_else_releases),
      cmocka_unit_test(leaving_goes_out_of_the_queue),
      cmocka_unit_test(more_dead_are_left_for_another_call),
      cmocka_unit_test(any_holder_is_broken),
      cmocka_unit_test(a_ttl_that_no_lock_has_is_skipped),
      cmocka_unit_test(wrong_types_leave_nothing_half_done),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
