// acquire.lua with exclusive leases: every branch, as the server sees it.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kAcquire = redilock::scripts::acquire;

#define TRY "$A|100000|1"
#define TRY_NO_FENCE "$A|100000|0"
#define JOIN "$A|100000|1|$c1|0"
#define RECHECK "$A|100000|1|$c1|7"
#define HELD "SET|$L|$B|PX|100000"
#define C_WAITS "ZADD|$Q|$ago 3000|60000 $c2 $C & ZADD|$W|$+5000|$c2"

static void free_lock_is_granted(void **) {
  script_test::check(kAcquire, "$L|$Q",
                     {{"two keys", "SET|$F|5", TRY_NO_FENCE, "0", "lock A 100000; fence 5"}});
  script_test::check(kAcquire, "$L|$Q|$F",
                     {{"three keys", "", TRY, "T", "lock A 100000; fence T"},
                      {"no fence wanted", "", TRY_NO_FENCE, "0", "lock A 100000"}});
  script_test::check(kAcquire, kAllKeys,
                     {{"all keys", "", TRY, "T", "lock A 100000; fence T"},
                      {"may wait", "", JOIN, "T", "lock A 100000; fence T"},
                      {"no record is written", "ZADD|$W|$+3000|$c1", JOIN, "T",
                       "lock A 100000; fence T; alive [c1 +3000]"}});
}

static void first_try_without_all_keys(void **) {
  const std::vector<script_test::Case> cases = {
      {"held", HELD, TRY_NO_FENCE, "[100000 B]", "lock B 100000"},
      {"held for ever", "SET|$L|x", TRY_NO_FENCE, "[-1 x]", "lock x"},
      {"resting", "SET|$L|redilock:rest|PX|5000", TRY_NO_FENCE, "[5000 redilock:rest]",
       "lock redilock:rest 5000"},
      {"shared", "SET|$L|redilock:shared|PX|60000", TRY_NO_FENCE, "[-2]",
       "lock redilock:shared 60000"},
      {"already mine", "SET|$L|$A|PX|5000 & SET|$F|4", TRY_NO_FENCE, "0", "lock A 100000; fence 4"},
      {"free, others wait", "ZADD|$Q|7|60000 $c2 $C", TRY_NO_FENCE, "[-2]",
       "queue [60000 c2 C 7]"}};
  script_test::check(kAcquire, "$L|$Q", cases);
  script_test::check(kAcquire, "$L|$Q|$F", cases);
  script_test::check(
      kAcquire, "$L|$Q|$F",
      {{"already mine, with a fence", "SET|$L|$A|PX|5000", TRY, "T", "lock A 100000; fence T"}});
}

static void fence_rises_above_any_counter(void **) {
  script_test::check(kAcquire, "$L|$Q|$F",
                     {{"behind", "SET|$F|17", TRY, "T", "lock A 100000; fence T"},
                      {"garbage", "SET|$F|abc", TRY, "T", "lock A 100000; fence T"},
                      {"nan", "SET|$F|nan", TRY, "T", "lock A 100000; fence T"},
                      {"infinite", "SET|$F|inf", TRY, "T", "lock A 100000; fence T"},
                      {"ahead", "SET|$F|8000000000000001", TRY, "8000000000000002",
                       "lock A 100000; fence 8000000000000002"},
                      {"last but one", "SET|$F|9007199254740990", TRY, "9007199254740991",
                       "lock A 100000; fence 9007199254740991"},
                      {"used up", "SET|$F|9007199254740991", TRY, "T", "lock A 100000; fence T"},
                      {"beyond", "SET|$F|9007199254740992", TRY, "T", "lock A 100000; fence T"},
                      {"ahead, already mine", "SET|$L|$A|PX|5000 & SET|$F|8000000000000001", TRY,
                       "8000000000000002", "lock A 100000; fence 8000000000000002"}});
  script_test::check(
      kAcquire, kAllKeys,
      {{"ahead, for an arrival", HELD " & SET|$F|8000000000000001", JOIN,
        "[100000 0 8000000000000002 T 0 1 1 0 B]",
        "lock B 100000; queue [100000 c1 A 8000000000000002] 180000; fence 8000000000000002; "
        "alive [c1 +6000] 180000"},
       {"ahead, for an arrival and a hand-off", "SET|$F|8000000000000001 & " C_WAITS, JOIN,
        "[60000 0 8000000000000002 T 0 1 1 0 C]",
        "lock C 60000; queue [100000 c1 A 8000000000000002] 180000; fence 8000000000000003; "
        "alive [c2 +5000 c1 +6000] 180000",
        "c2: c 8000000000000003 T"}});
}

#define TEN "xyzxyzxyzx"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG_BEGIN FIFTY FIFTY FIFTY FIFTY FIFTY "xyzxy"
#define LONG LONG_BEGIN "zxyzx"

static void held_lock_is_waited_for(void **) {
#define QUEUED "queue [100000 c1 A T] 180000; fence T; alive [c1 +6000] 180000"
  script_test::check(
      kAcquire, kAllKeys,
      {{"does not wait", HELD, TRY, "[100000 B]", "lock B 100000"},
       {"joins", HELD, JOIN, "[100000 0 T T 0 1 1 0 B]", "lock B 100000; " QUEUED},
       {"joins behind another", HELD " & ZADD|$Q|7|60000 $c2 $C", JOIN, "[100000 1 T T 0 1 1 0 B]",
        "lock B 100000; queue [60000 c2 C 7 100000 c1 A T] 180000; fence T; alive [c1 +6000] "
        "180000"},
       {"foreign holder", "SET|$L|uuid|PX|60000", JOIN, "[60000 0 T T 1 1 1 0 uuid]",
        "lock uuid 60000; " QUEUED},
       {"foreign holder for ever", "SET|$L|redilock:x", JOIN, "[-1 0 T T 1 1 1 0 redilock:x]",
        "lock redilock:x; " QUEUED},
       {"a long value is cut", "SET|$L|" LONG, JOIN, "[-1 0 T T 1 1 1 0 " LONG_BEGIN "]",
        "lock " LONG "; " QUEUED},
       {"a short id is foreign", "SET|$L|redilock:ab:label", JOIN,
        "[-1 0 T T 1 1 1 0 redilock:ab:label]", "lock redilock:ab:label; " QUEUED},
       {"resting", "SET|$L|redilock:rest|PX|60000", JOIN, "[60000 0 T T 0 1 1 0 redilock:rest]",
        "lock redilock:rest 60000; " QUEUED}});
}

static void place_is_kept(void **) {
#define AT_HOME HELD " & ZADD|$Q|7|100000 $c1 $A & SET|$F|9"
#define KEPT "lock B 100000; queue [100000 c1 A 7] 180000; fence 9; "
  script_test::check(
      kAcquire, kAllKeys,
      {{"re-check", AT_HOME, RECHECK, "[100000 0 7 T 0 0 1 0 B]", KEPT "alive [c1 +6000] 180000"},
       {"retry of a join", AT_HOME, JOIN, "[100000 0 7 T 0 0 1 0 B]",
        KEPT "alive [c1 +6000] 180000"},
       {"the record is fresh", AT_HOME " & ZADD|$W|$+5000|$c1", RECHECK, "[100000 0 7 T 0 0 1 1 B]",
        KEPT "alive [c1 +5000]"},
       {"the record ends soon", AT_HOME " & ZADD|$W|$+2500|$c1", RECHECK,
        "[100000 0 7 T 0 0 1 1 B]", KEPT "alive [c1 +6000] 180000"},
       {"the record ended", AT_HOME " & ZADD|$W|$-1|$c1", RECHECK, "[100000 0 7 T 0 0 1 0 B]",
        KEPT "alive [c1 +6000] 180000"},
       {"the record is of a stepped clock", AT_HOME " & ZADD|$W|$+80000|$c1", RECHECK,
        "[100000 0 7 T 0 0 1 0 B]", KEPT "alive [c1 +6000] 180000"},
       {"place dropped", HELD " & ZADD|$Q|9|60000 $c2 $C & SET|$F|9", RECHECK,
        "[100000 0 7 T 0 1 1 0 B]",
        "lock B 100000; queue [100000 c1 A 7 60000 c2 C 9] 180000; fence 9; alive [c1 +6000] "
        "180000"},
       {"no subscription", HELD, "$A|100000|1|$dead|0", "[100000 0 T T 0 1 0 0 B]",
        "lock B 100000; queue [100000 dead A T] 180000; fence T; alive [dead +6000] 180000"},
       {"no subscription, place kept", HELD " & ZADD|$Q|7|100000 $dead $A", "$A|100000|1|$dead|7",
        "[100000 0 7 T 0 0 1 0 B]",
        "lock B 100000; queue [100000 dead A 7] 180000; alive [dead +6000] 180000"},
       {"polls", HELD, "$A|100000|0|$poll|0", "[100000 0 T T 0 1 1 0 B]",
        "lock B 100000; queue [100000 poll A T] 180000; fence T; alive [poll +6000] 180000"}});
  script_test::check(
      kAcquire, "$L|$Q|$F|$V|$H",
      {{"sharded channel", HELD, "$A|100000|1|$shard|0", "[100000 0 T T 0 1 1 0 B]",
        "lock B 100000; queue [100000 shard A T] 180000; fence T; tagged [shard +6000] 180000"},
       {"plain channel", HELD, "$A|100000|1|$plain|0", "[100000 0 T T 0 1 1 0 B]",
        "lock B 100000; queue [100000 plain A T] 180000; fence T; tagged [plain +6000] 180000"}});
}

static void own_grant_is_found(void **) {
#define MINE "SET|$L|$A|PX|5000"
  script_test::check(
      kAcquire, kAllKeys,
      {{"the lease starts again", MINE, TRY, "T", "lock A 100000; fence T"},
       {"a longer lease stays", "SET|$L|$A|PX|100000", "$A|5000|1", "T", "lock A 100000; fence T"},
       {"a lease for ever stays", "SET|$L|$A", TRY, "T", "lock A 100000; fence T"},
       {"no fence wanted", MINE " & SET|$F|4", TRY_NO_FENCE, "0", "lock A 100000; fence 4"},
       {"others wait", MINE " & " C_WAITS, RECHECK, "T",
        "lock A 100000; queue [60000 c2 C old]; fence T; alive [c2 +5000]"},
       {"others wait, no place named", MINE " & " C_WAITS, JOIN, "T",
        "lock A 100000; queue [60000 c2 C old]; fence T; alive [c2 +5000]"}});
}

static void ended_lease_goes_to_the_head(void **) {
  script_test::check(
      kAcquire, kAllKeys,
      {{"to another", C_WAITS, JOIN, "[60000 0 T T 0 1 1 0 C]",
        "lock C 60000; queue [100000 c1 A T] 180000; fence T; alive [c2 +5000 c1 +6000] 180000",
        "c2: c T T"},
       {"to another, by a try", C_WAITS, TRY, "[60000 C]",
        "lock C 60000; fence T; alive [c2 +5000]", "c2: c T T"},
       {"to the caller", "ZADD|$Q|7|100000 $c1 $A", RECHECK, "T", "lock A 100000; fence T"},
       {"to the caller, no fence wanted", "ZADD|$Q|7|100000 $c1 $A", "$A|100000|0|$c1|7", "0",
        "lock A 100000; fence T"},
       {"to a caller behind the dead", "ZADD|$Q|5|60000 $dead $B & ZADD|$W|$+5000|$dead", JOIN, "T",
        "lock A 100000; fence T; alive [dead +5000]"},
       {"to a try behind the dead", "ZADD|$Q|5|60000 $dead $B & ZADD|$W|$+5000|$dead", TRY, "T",
        "lock A 100000; fence T; alive [dead +5000]"},
       {"not to one without a record", "ZADD|$Q|5|60000 $c2 $C", TRY, "T",
        "lock A 100000; fence T"},
       {"not to one whose record ended", "ZADD|$Q|5|60000 $c2 $C & ZADD|$W|$-1|$c2", TRY, "T",
        "lock A 100000; fence T; alive [c2 past]"},
       {"not to one with a record of a stepped clock",
        "ZADD|$Q|5|60000 $c2 $C & ZADD|$W|$+80000|$c2", TRY, "T",
        "lock A 100000; fence T; alive [c2 +80000]"}});
}

// A re-check that is not at the head drops the dead before it, so that its client learns its rank.
static void recheck_drops_the_dead_before_it(void **) {
#define BEHIND(channel) HELD " & ZADD|$Q|5|60000 " channel " $C & ZADD|$Q|7|100000 $c1 $A"
#define C1_LIVES " & ZADD|$W|$+5000|$c1"
  script_test::check(
      kAcquire, kAllKeys,
      {{"one dead", BEHIND("$dead") C1_LIVES, RECHECK, "[100000 0 7 T 0 0 1 1 B]",
        "lock B 100000; queue [100000 c1 A 7] 180000; alive [c1 +5000]"},
       {"one alive", BEHIND("$c2") " & ZADD|$W|$+5000|$c2" C1_LIVES, RECHECK,
        "[100000 1 7 T 0 0 1 1 B]",
        "lock B 100000; queue [60000 c2 C 5 100000 c1 A 7] 180000; alive [c1 +5000 c2 +5000]"},
       {"a new place drops nobody", HELD " & ZADD|$Q|5|60000 $dead $C", JOIN,
        "[100000 1 T T 0 1 1 0 B]",
        "lock B 100000; queue [60000 dead C 5 100000 c1 A T] 180000; fence T; alive [c1 +6000] "
        "180000"}});
}

#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"

// The hand-off drops 100, and the notification that follows 3 more.
static void one_call_drops_at_most_103_dead(void **) {
  script_test::check(
      kAcquire, kAllKeys,
      {{"100, a try", DEAD(100), TRY, "T", "lock A 100000; fence T"},
       {"104, a try", DEAD(104), TRY, "[-2 ]", "queue [9 dead 104 104]"},
       {"104, a waiter", DEAD(104), JOIN, "[-2 1 T T 0 1 1 0 ]",
        "queue [9 dead 104 104 100000 c1 A T] 180000; fence T; alive [c1 +6000] 180000"},
       {"99 and one alive", DEAD(99) " & " C_WAITS, TRY, "[60000 C]",
        "lock C 60000; fence T; alive [c2 +5000]", "c2: c T T"},
       {"100 and one alive", DEAD(100) " & " C_WAITS, TRY, "[-2 ]",
        "queue [60000 c2 C old]; alive [c2 +5000]", "c2: next c 0 T"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(free_lock_is_granted),
      cmocka_unit_test(first_try_without_all_keys),
      cmocka_unit_test(fence_rises_above_any_counter),
      cmocka_unit_test(held_lock_is_waited_for),
      cmocka_unit_test(place_is_kept),
      cmocka_unit_test(own_grant_is_found),
      cmocka_unit_test(ended_lease_goes_to_the_head),
      cmocka_unit_test(recheck_drops_the_dead_before_it),
      cmocka_unit_test(one_call_drops_at_most_103_dead),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
