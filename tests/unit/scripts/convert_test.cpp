// convert.lua: a holder changes the mode of its lock, or learns that others hold it too.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kConvert = redilock::scripts::convert;

#define EXCLUSIVE "$A|30000|1"
#define SHARED "$A|30000s|1"
#define HELD "SET|$L|$A|PX|60000"
#define A_HOLDS "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A & PEXPIRE|$H|60000"
#define A_B_HOLD A_HOLDS " & ZADD|$H|$+30000|$B"
#define SHARED_BY_A "lock redilock:shared 60000; fence T; "
#define ONLY_A "holders [A +60000] 60000"

static void to_exclusive(void **) {
  script_test::check(
      kConvert, kAllKeys,
      {{"alone", A_HOLDS, EXCLUSIVE, "[T 0]", "lock A 60000; fence T"},
       {"with a longer lease", A_HOLDS, "$A|100000|1", "[T 0]", "lock A 100000; fence T"},
       {"no fence", A_HOLDS " & SET|$F|5", "$A|30000|0", "[0 0]", "lock A 60000; fence 5"},
       {"the others ended", A_HOLDS " & ZADD|$H|$-1|$B", EXCLUSIVE, "[T 0]",
        "lock A 60000; fence T"},
       {"others hold it", A_B_HOLD, EXCLUSIVE, "[60000]",
        "lock redilock:shared 60000; holders [B +30000 A +60000] 60000"},
       {"a permit rests", A_HOLDS " & ZADD|$H|$+30000|redilock:rest:$B", EXCLUSIVE, "[60000]",
        "lock redilock:shared 60000; holders [redilock:rest:B +30000 A +60000] 60000"},
       {"exclusive already", HELD, EXCLUSIVE, "[T 0]", "lock A 60000; fence T"},
       {"the counter is ahead", A_HOLDS " & SET|$F|8000000000000001", EXCLUSIVE,
        "[8000000000000002 0]", "lock A 60000; fence 8000000000000002"},
       {"writers wait", A_HOLDS " & ZADD|$Q|5|60000 $c2 $C & ZADD|$W|$+5000|$c2", EXCLUSIVE,
        "[T 0]", "lock A 60000; queue [60000 c2 C 5]; fence T; alive [c2 +5000]"}});
}

static void to_shared(void **) {
#define READER_WAITS "ZADD|$Q|5|30000s $c2 $C & ZADD|$W|$+5000|$c2"
  script_test::check(
      kConvert, kAllKeys,
      {{"nobody waits", HELD, SHARED, "[T 0]", SHARED_BY_A ONLY_A},
       {"with a longer lease", HELD, "$A|100000s|1", "[T 0]",
        "lock redilock:shared 100000; fence T; holders [A +100000] 100000"},
       {"a reader waits", HELD " & SET|$F|8000000000000000 & " READER_WAITS, SHARED,
        "[8000000000000001 0]",
        "lock redilock:shared 60000; fence 8000000000000002; alive [c2 +5000]; holders [C +30000 "
        "A +60000] 60000",
        "c2: c 8000000000000002 T"},
       {"a reader waits behind a writer",
        HELD " & ZADD|$Q|4|60000 $c1 $D & ZADD|$W|$+6000|$c1 & " READER_WAITS, SHARED, "[T 0]",
        "lock redilock:shared 60000; queue [60000 c1 D 4 30000s c2 C 5]; fence T; alive [c2 +5000 "
        "c1 +6000]; " ONLY_A},
       {"a waiter whose permits are used up",
        HELD " & ZADD|$Q|5|60000s1 $c2 $C & ZADD|$W|$+5000|$c2", SHARED, "[T 0]",
        "lock redilock:shared 60000; queue [60000s1 c2 C 5]; fence T; alive [c2 +5000]; " ONLY_A},
       {"holders of an earlier lock", HELD " & ZADD|$H|$+30000|$B", SHARED, "[T 0]",
        SHARED_BY_A ONLY_A},
       {"fewer permits than holders", A_B_HOLD, "$A|30000s1|1", "[60000]",
        "lock redilock:shared 60000; holders [B +30000 A +60000] 60000"},
       {"as many permits as holders", A_B_HOLD, "$A|30000s2|1", "[T 0]",
        "lock redilock:shared 60000; fence T; holders [B +30000 A +60000] 60000"}});
}

static void only_a_holder_converts(void **) {
  script_test::check(
      kConvert, kAllKeys,
      {{"free", "", SHARED, "-1", ""},
       {"another's", "SET|$L|$B|PX|60000", SHARED, "-1", "lock B 60000"},
       {"shared by another", A_HOLDS, "$B|30000|1", "-1", "lock redilock:shared 60000; " ONLY_A},
       {"its lease ended", A_B_HOLD " & ZADD|$H|$-1|$A", EXCLUSIVE, "-1",
        "lock redilock:shared 60000; holders [A past B +30000] 60000"},
       {"all leases ended", "SET|$L|redilock:shared & ZADD|$H|$-1|$A", EXCLUSIVE, "-1",
        "lock redilock:shared; holders [A past]"},
       {"resting", "SET|$L|redilock:rest|PX|60000", EXCLUSIVE, "-1", "lock redilock:rest 60000"}});
}

#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"

// A call drops 100 dead waiters, and the notification three more.
static void more_waiters_need_another_call(void **) {
  script_test::check(kConvert, kAllKeys,
                     {{"100 dead", HELD " & " DEAD(100), SHARED, "[T 0]", SHARED_BY_A ONLY_A},
                      {"104 dead", HELD " & " DEAD(104), SHARED, "[T 1]",
                       "lock redilock:shared 60000; queue [9 dead 104 104]; fence T; " ONLY_A},
                      {"another call", A_HOLDS " & " DEAD(104), SHARED, "[T 1]",
                       "lock redilock:shared 60000; queue [9 dead 104 104]; fence T; " ONLY_A}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(to_exclusive),
      cmocka_unit_test(to_shared),
      cmocka_unit_test(only_a_holder_converts),
      cmocka_unit_test(more_waiters_need_another_call),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
