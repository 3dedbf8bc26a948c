// acquire.lua: every branch, as the server sees it.
#include "script.hpp"

using script_test::Case;
static constexpr auto kScript = redilock::scripts::acquire;

#define KEYS \
  { "$L", "$Q", "$F" }
#define NO_FENCE \
  { "$L", "$Q" }
#define TRY \
  { "$A", "100000" }
#define JOIN \
  { "$A", "100000", "c1", "0" }

static void free_lock_is_taken(void **) {
  script_test::check(kScript,
                     {
                         {"free", {}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
                         {"free, may wait", {}, KEYS, JOIN, "T", "lock A 100000; fence T", ""},
                         {"no fence", {}, NO_FENCE, TRY, "0", "lock A 100000", ""},
                         {"no fence, counter stays",
                          {"SET|$F|5"},
                          NO_FENCE,
                          TRY,
                          "0",
                          "lock A 100000; fence 5",
                          ""},
                     });
}

static void fence_rises_whatever_the_counter_says(void **) {
  script_test::check(
      kScript,
      {
          {"lost", {}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"behind", {"SET|$F|17"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"garbage", {"SET|$F|abc"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"nan", {"SET|$F|nan"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"infinite", {"SET|$F|inf"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"ahead",
           {"SET|$F|8000000000000001"},
           KEYS,
           TRY,
           "8000000000000002",
           "lock A 100000; fence 8000000000000002",
           ""},
          {"last but one",
           {"SET|$F|9007199254740990"},
           KEYS,
           TRY,
           "9007199254740991",
           "lock A 100000; fence 9007199254740991",
           ""},
          {"used up", {"SET|$F|9007199254740991"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"beyond", {"SET|$F|9007199254740992"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
          {"ahead, by the hand-off",
           {"SET|$F|8000000000000001", "SET|$L|$B|PX|100000"},
           KEYS,
           JOIN,
           "[100000 0 8000000000000002 T 0 1]",
           "lock B 100000; queue [100000 c1 A 8000000000000002] 60000; fence 8000000000000002; "
           "alive [c1 alive] 60000",
           ""},
          {"used up, by the hand-off",
           {"SET|$F|9007199254740991", "SET|$L|$A|PX|500"},
           KEYS,
           JOIN,
           "T",
           "lock A 100000; fence T",
           ""},
      });
}

static void held_lock_is_not_taken(void **) {
  script_test::check(
      kScript,
      {
          {"try", {"SET|$L|$B|PX|100000"}, KEYS, TRY, "[100000]", "lock B 100000", ""},
          {"try, no expiry", {"SET|$L|x"}, KEYS, TRY, "[-1]", "lock x", ""},
          {"queue",
           {"SET|$L|$B|PX|100000"},
           KEYS,
           JOIN,
           "[100000 0 T T 0 1]",
           "lock B 100000; queue [100000 c1 A T] 60000; fence T; alive [c1 alive] 60000",
           ""},
          {"queue behind",
           {"SET|$L|$B|PX|100000", "ZADD|$Q|7|100000 c2 $C"},
           KEYS,
           JOIN,
           "[100000 1 T T 0 1]",
           "lock B 100000; queue [100000 c2 C 7 100000 c1 A T] 60000; fence T; alive [c1 alive] "
           "60000",
           ""},
          {"foreign",
           {"SET|$L|uuid|PX|100000"},
           KEYS,
           JOIN,
           "[100000 0 T T 1 1]",
           "lock uuid 100000; queue [100000 c1 A T] 60000; fence T; alive [c1 alive] 60000",
           ""},
          {"foreign without expiry",
           {"SET|$L|redilock:x"},
           KEYS,
           JOIN,
           "[-1 0 T T 1 1]",
           "lock redilock:x; queue [100000 c1 A T] 60000; fence T; alive [c1 alive] 60000",
           ""},
      });
}

static void place_in_the_queue_is_kept(void **) {
  script_test::check(
      kScript, {
                   {"there",
                    {"SET|$L|$B|PX|100000", "ZADD|$Q|7|100000 c1 $A", "SET|$F|9"},
                    KEYS,
                    {"$A", "100000", "c1", "7"},
                    "[100000 0 7 T 0 0]",
                    "lock B 100000; queue [100000 c1 A 7] 60000; fence 9; alive [c1 alive] 60000",
                    ""},
                   {"there, its reply was lost",
                    {"SET|$L|$B|PX|100000", "ZADD|$Q|7|100000 c1 $A"},
                    KEYS,
                    JOIN,
                    "[100000 0 7 T 0 0]",
                    "lock B 100000; queue [100000 c1 A 7] 60000; alive [c1 alive] 60000",
                    ""},
                   {"dropped",
                    {"SET|$L|$B|PX|100000", "ZADD|$Q|9|100000 c2 $C", "SET|$F|9"},
                    KEYS,
                    {"$A", "100000", "c1", "7"},
                    "[100000 0 7 T 0 1]",
                    "lock B 100000; queue [100000 c1 A 7 100000 c2 C 9] 60000; fence 9; alive [c1 "
                    "alive] 60000",
                    ""},
               });
}

static void grant_of_ones_own_is_armed_anew(void **) {
  script_test::check(
      kScript, {
                   {"try", {"SET|$L|$A|PX|500"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
                   {"an extension outlasts it",
                    {"SET|$L|$A|PX|100000"},
                    KEYS,
                    {"$A", "500"},
                    "T",
                    "lock A 100000; fence T",
                    ""},
                   {"without expiry", {"SET|$L|$A"}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
                   {"try, others wait",
                    {"SET|$L|$A|PX|500", "ZADD|$Q|7|100000 c2 $C", "HSET|$W|c2|$fresh"},
                    KEYS,
                    TRY,
                    "T",
                    "lock A 100000; queue [100000 c2 C 7]; fence T; alive [c2 near]",
                    ""},
                   {"no fence",
                    {"SET|$L|$A|PX|500", "SET|$F|4"},
                    NO_FENCE,
                    TRY,
                    "0",
                    "lock A 100000; fence 4",
                    ""},
                   {"queued before, others wait",
                    {"SET|$L|$A|PX|500", "ZADD|$Q|9|100000 c2 $C", "HSET|$W|c2|$fresh"},
                    KEYS,
                    {"$A", "100000", "c1", "7"},
                    "T",
                    "lock A 100000; queue [100000 c2 C 9]; fence T; alive [c2 near]",
                    ""},
                   {"never queued, nobody waits",
                    {"SET|$L|$A|PX|500"},
                    KEYS,
                    JOIN,
                    "T",
                    "lock A 100000; fence T",
                    ""},
                   {"never queued, the dead wait",
                    {"SET|$L|$A|PX|500", "ZADD|$Q|7|100000 dead $C"},
                    KEYS,
                    JOIN,
                    "T",
                    "lock A 100000; queue [100000 dead C 7]; fence T",
                    ""},
                   {"never queued, others wait",
                    {"SET|$L|$A|PX|500", "ZADD|$Q|7|100000 c2 $C", "HSET|$W|c2|$fresh"},
                    KEYS,
                    JOIN,
                    "T",
                    "lock A 100000; queue [100000 c2 C 7]; fence T; alive [c2 near]",
                    ""},
               });
}

static void expired_lease_is_given_to_the_head(void **) {
  script_test::check(
      kScript,
      {
          {"to another",
           {"ZADD|$Q|7|100000 c2 $C", "HSET|$W|c2|$fresh"},
           KEYS,
           JOIN,
           "[100000 1 T T 0 1]",
           "lock C 100000; queue [100000 c1 A T] 60000; fence T; alive [c2 near c1 alive] 60000",
           "c2: c T T"},
          {"to another, by a try",
           {"ZADD|$Q|7|100000 c2 $C", "HSET|$W|c2|$fresh"},
           KEYS,
           TRY,
           "[100000]",
           "lock C 100000; fence T; alive [c2 near]",
           "c2: c T T"},
          {"to itself",
           {"ZADD|$Q|7|100000 c1 $A"},
           KEYS,
           {"$A", "100000", "c1", "7"},
           "T",
           "lock A 100000; fence T; alive [c1 alive] 60000",
           ""},
          {"to itself, no fence wanted",
           {"ZADD|$Q|7|100000 c1 $A"},
           NO_FENCE,
           {"$A", "100000", "c1", "7"},
           "0",
           "lock A 100000; fence T; alive [c1 alive] 60000",
           ""},
          {"past the dead",
           {"ZADD|$Q|5|100000 dead $B", "ZADD|$Q|6|100000 c2 $C", "HSET|$W|dead|$fresh|c2|$stale"},
           KEYS,
           JOIN,
           "T",
           "lock A 100000; fence T; alive [dead near c2 past c1 alive] 60000",
           ""},
          {"a try past the dead",
           {"ZADD|$Q|5|100000 dead $B", "HSET|$W|dead|$fresh"},
           KEYS,
           TRY,
           "T",
           "lock A 100000; fence T; alive [dead near]",
           ""},
          {"past one of a stepped clock",
           {"ZADD|$Q|5|100000 c2 $C", "HSET|$W|c2|$far"},
           KEYS,
           TRY,
           "T",
           "lock A 100000; fence T; alive [c2 far]",
           ""},
          {"past garbage",
           {"ZADD|$Q|5|garbage", "ZADD|$Q|6|100000 c2 $C", "HSET|$W|c2|$fresh"},
           KEYS,
           TRY,
           "[100000]",
           "lock C 100000; fence T; alive [c2 near]",
           "c2: c T T"},
      });
}

#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"

static void at_most_a_hundred_dead_are_dropped(void **) {
  script_test::check(
      kScript, {
                   {"100", {DEAD(100)}, KEYS, TRY, "T", "lock A 100000; fence T", ""},
                   {"101, a try", {DEAD(101)}, KEYS, TRY, "[-2]", "queue [9 dead 101 101]", ""},
                   {"101, a waiter",
                    {DEAD(101)},
                    KEYS,
                    JOIN,
                    "[-2 101 T T 0 1]",
                    "queue [9 dead 101 101 100000 c1 A T] 60000; fence T; alive [c1 alive] 60000",
                    ""},
                   {"99 and one alive",
                    {DEAD(99), "ZADD|$Q|500|100000 c2 $C", "HSET|$W|c2|$fresh"},
                    KEYS,
                    TRY,
                    "[100000]",
                    "lock C 100000; fence T; alive [c2 near]",
                    "c2: c T T"},
                   {"100 and one alive",
                    {DEAD(100), "ZADD|$Q|500|100000 c2 $C", "HSET|$W|c2|$fresh"},
                    KEYS,
                    TRY,
                    "[-2]",
                    "queue [100000 c2 C 500]; alive [c2 near]",
                    ""},
               });
}

static void wrong_types_leave_nothing_half_done(void **) {
  script_test::check(
      kScript, {
                   {"lock", {"LPUSH|$L|x"}, KEYS, JOIN, "error WRONGTYPE", "lock list", ""},
                   {"queue",
                    {"SET|$L|$B|PX|100000", "SET|$Q|x"},
                    KEYS,
                    JOIN,
                    "error WRONGTYPE",
                    "lock B 100000; queue string",
                    ""},
                   {"queue, free", {"SET|$Q|x"}, KEYS, TRY, "error WRONGTYPE", "queue string", ""},
                   {"fence, free", {"LPUSH|$F|x"}, KEYS, TRY, "error WRONGTYPE", "fence list", ""},
                   {"fence, to join",
                    {"SET|$L|$B|PX|100000", "LPUSH|$F|x"},
                    KEYS,
                    JOIN,
                    "error WRONGTYPE",
                    "lock B 100000; fence list",
                    ""},
                   {"records",
                    {"SET|$L|$B|PX|100000", "SET|$W|x"},
                    KEYS,
                    JOIN,
                    "error WRONGTYPE",
                    "lock B 100000; alive string",
                    ""},
                   {"records, to hand off",
                    {"ZADD|$Q|7|100000 c2 $C", "SET|$W|x"},
                    KEYS,
                    TRY,
                    "error WRONGTYPE",
                    "queue [100000 c2 C 7]; alive string",
                    ""},
               });
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(free_lock_is_taken),
      cmocka_unit_test(fence_rises_whatever_the_counter_says),
      cmocka_unit_test(held_lock_is_not_taken),
      cmocka_unit_test(place_in_the_queue_is_kept),
      cmocka_unit_test(grant_of_ones_own_is_armed_anew),
      cmocka_unit_test(expired_lease_is_given_to_the_head),
      cmocka_unit_test(at_most_a_hundred_dead_are_dropped),
      cmocka_unit_test(wrong_types_leave_nothing_half_done),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
