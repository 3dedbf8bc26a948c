// release.lua without a rest: releases of exclusive and shared holders, and waiters that leave.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kRelease = redilock::scripts::release;

#define RELEASE "$A"
#define LEAVE "$A|100000 $c1 $A"
#define HELD "SET|$L|$A|PX|100000"
#define HELD_BY_B "SET|$L|$B|PX|100000"
#define PLACE "ZADD|$Q|5|100000 $c1 $A"
#define LIVE2 "ZADD|$W|$+5000|$c2"
#define C_WAITS "ZADD|$Q|$ago 1000|60000 $c2 $C & " LIVE2
#define GONE_TO_C "lock C 60000; fence T; alive [c2 +5000]"

static void holder_releases(void **) {
  script_test::check(
      kRelease, kAllKeys,
      {{"nobody waits", HELD " & SET|$F|5", RELEASE, "1", "fence 5"},
       {"handed on with the waiter's ttl", HELD " & " C_WAITS, RELEASE, "1", GONE_TO_C,
        "c2: c T T"},
       {"to the first of two", HELD " & " C_WAITS " & ZADD|$Q|7|30000 $c1 $B & ZADD|$W|$+6000|$c1",
        RELEASE, "1", "lock B 30000; queue [60000 c2 C old]; fence T; alive [c2 +5000 c1 +6000]",
        "c1: b T T"},
       {"with its member, as one that was granted", HELD " & " C_WAITS, LEAVE, "1", GONE_TO_C,
        "c2: c T T"},
       {"with an empty member", HELD " & " C_WAITS, "$A|", "1", GONE_TO_C, "c2: c T T"},
       {"the counter is ahead", HELD " & " C_WAITS " & SET|$F|8000000000000001", RELEASE, "1",
        "lock C 60000; fence 8000000000000002; alive [c2 +5000]", "c2: c 8000000000000002 T"},
       {"the counter is used up", HELD " & " C_WAITS " & SET|$F|9007199254740991", RELEASE, "1",
        GONE_TO_C, "c2: c T T"},
       {"to all readers",
        HELD " & ZADD|$Q|5|60000s $c2 $C|6|30000s $c3 $B & " LIVE2
             " & ZADD|$W|$+6000|$c3 & SET|$F|8000000000000000",
        RELEASE, "1",
        "lock redilock:shared 60000; fence 8000000000000002; alive [c2 +5000 c3 +6000]; holders "
        "[B +30000 C +60000] 60000",
        "c2: c 8000000000000001 T, c3: b 8000000000000002 T"},
       {"to a poller, without a message", HELD " & ZADD|$Q|5|60000 $poll $C & ZADD|$W|$+5000|$poll",
        RELEASE, "1", "lock C 60000; fence T; alive [poll +5000]"}});
}

static void channels_of_the_slot_word(void **) {
#define TAGGED(channel) "ZADD|$Q|5|60000 " channel " $C & ZADD|$V|$+5000|" channel
  const std::vector<script_test::Case> cases = {
      {"sharded", HELD " & " TAGGED("$shard"), RELEASE, "1",
       "lock C 60000; fence T; tagged [shard +5000]", "shard: c T T"},
      {"plain", HELD " & " TAGGED("$plain"), RELEASE, "1",
       "lock C 60000; fence T; tagged [plain +5000]", "plain: c T T"},
      {"record in the set of another tag",
       HELD " & ZADD|$Q|5|60000 $shard $C & ZADD|$W|$+5000|$shard", RELEASE, "1",
       "alive [shard +5000]"},
      {"the set of the tag is a list", HELD " & ZADD|$Q|5|60000 $shard $C & LPUSH|$V|x|y", RELEASE,
       "error WRONGTYPE", "lock A 100000; queue [60000 shard C 5]; tagged list"}};
  script_test::check(kRelease, "$L|$Q|$F|$V|$H", cases);
  // Another tag than the caller's makes no difference, but an unreadable set has no records.
  script_test::check(kRelease, kAllKeys, {cases.begin(), cases.end() - 1});
  script_test::check(
      kRelease, kAllKeys,
      {{"the set of another tag is a list", HELD " & ZADD|$Q|5|60000 $shard $C & LPUSH|$V|x|y",
        RELEASE, "1", "tagged list"}});
}

static void the_dead_are_passed_over(void **) {
#define BEFORE_C(member) HELD " & ZADD|$Q|5|" member " & " C_WAITS
  script_test::check(
      kRelease, kAllKeys,
      {{"no subscription", BEFORE_C("60000 $dead $B") " & ZADD|$W|$+6000|$dead", RELEASE, "1",
        "lock C 60000; fence T; alive [c2 +5000 dead +6000]", "c2: c T T"},
       {"no record", BEFORE_C("60000 $c1 $B"), RELEASE, "1", GONE_TO_C, "c2: c T T"},
       {"ended record", BEFORE_C("60000 $c1 $B") " & ZADD|$W|$-1|$c1", RELEASE, "1",
        "lock C 60000; fence T; alive [c1 past c2 +5000]", "c2: c T T"},
       {"record of a stepped clock", BEFORE_C("60000 $c1 $B") " & ZADD|$W|$+80000|$c1", RELEASE,
        "1", "lock C 60000; fence T; alive [c2 +5000 c1 +80000]", "c2: c T T"},
       {"only dead ones", HELD " & ZADD|$Q|5|60000 $dead $B", RELEASE, "1", ""}});
}

static void nobody_else_releases(void **) {
#define C_STILL_WAITS "queue [60000 c2 C old]; alive [c2 +5000]"
  script_test::check(
      kRelease, kAllKeys,
      {{"another's", HELD_BY_B " & " C_WAITS, RELEASE, "0", "lock B 100000; " C_STILL_WAITS},
       {"foreign", "SET|$L|x", RELEASE, "0", "lock x"},
       {"resting", "SET|$L|redilock:rest", RELEASE, "0", "lock redilock:rest"},
       {"free", "", RELEASE, "0", ""},
       {"ended, others wait", C_WAITS, RELEASE, "0", GONE_TO_C, "c2: c T T"}});
}

static void waiter_leaves(void **) {
  script_test::check(
      kRelease, kAllKeys,
      {{"alone", HELD_BY_B " & " PLACE, LEAVE, "0", "lock B 100000"},
       {"already gone", HELD_BY_B, LEAVE, "0", "lock B 100000"},
       {"behind another", HELD_BY_B " & " C_WAITS " & ZADD|$Q|$ago 0|100000 $c1 $A", LEAVE, "0",
        "lock B 100000; " C_STILL_WAITS},
       {"free, another waits behind", PLACE " & " C_WAITS, LEAVE, "0", GONE_TO_C, "c2: c T T"},
       {"free, another waits before",
        "ZADD|$Q|5|60000 $c2 $C & " LIVE2 " & ZADD|$Q|6|100000 $c1 $A", LEAVE, "0", GONE_TO_C,
        "c2: c T T"},
       {"free, and alive itself", PLACE " & " C_WAITS " & ZADD|$W|$+6000|$c1", LEAVE, "0",
        "lock C 60000; fence T; alive [c2 +5000 c1 +6000]", "c2: c T T"},
       {"free, alone", PLACE " & ZADD|$W|$+6000|$c1", LEAVE, "0", "alive [c1 +6000]"}});
}

static void shared_holder_releases(void **) {
#define A_B_HOLD \
  "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+30000|$B & PEXPIRE|$H|60000"
#define B_HOLDS "lock redilock:shared 30000; "
#define ONLY_B "holders [B +30000] 30000"
  script_test::check(
      kRelease, kAllKeys,
      {{"the last one", "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A", RELEASE, "1", ""},
       {"others hold on", A_B_HOLD, RELEASE, "1", B_HOLDS ONLY_B},
       {"not a holder", A_B_HOLD, "$C", "0",
        "lock redilock:shared 60000; holders [B +30000 A +60000] 60000"},
       {"its lease ended", A_B_HOLD " & ZADD|$H|$-1|$A", RELEASE, "0",
        "lock redilock:shared 60000; holders [A past B +30000] 60000"},
       {"the last one, a writer waits",
        "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A & " C_WAITS, RELEASE, "1", GONE_TO_C,
        "c2: c T T"},
       {"others hold on, a writer waits", A_B_HOLD " & " C_WAITS, RELEASE, "1",
        B_HOLDS C_STILL_WAITS "; " ONLY_B, "c2: next c 30000 T"},
       {"others hold on, a waiter with a permit", A_B_HOLD " & ZADD|$Q|5|100000s2 $c2 $C & " LIVE2,
        RELEASE, "1",
        "lock redilock:shared 100000; fence T; alive [c2 +5000]; holders [B +30000 C +100000] "
        "100000",
        "c2: c T T"},
       {"a waiter leaves, there is room", A_B_HOLD " & ZADD|$Q|5|9 $c1 $D|6|60000s $c2 $C & " LIVE2,
        "$D|9 $c1 $D", "0",
        "lock redilock:shared 60000; fence T; alive [c2 +5000]; holders [B +30000 A +60000 C "
        "+60000] 60000",
        "c2: c T T"}});
}

#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"

static void one_call_drops_at_most_103_dead(void **) {
  script_test::check(kRelease, kAllKeys,
                     {{"100", HELD " & " DEAD(100), RELEASE, "1", ""},
                      {"104", HELD " & " DEAD(104), RELEASE, "3", "queue [9 dead 104 104]"},
                      {"another call", DEAD(104), RELEASE, "2", "queue [9 dead 104 104]"},
                      {"the last call", DEAD(1), RELEASE, "0", ""}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(holder_releases),
      cmocka_unit_test(channels_of_the_slot_word),
      cmocka_unit_test(the_dead_are_passed_over),
      cmocka_unit_test(nobody_else_releases),
      cmocka_unit_test(waiter_leaves),
      cmocka_unit_test(shared_holder_releases),
      cmocka_unit_test(one_call_drops_at_most_103_dead),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
