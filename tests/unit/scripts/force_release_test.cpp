// force_release.lua: the lock is taken from any holder and handed on.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kForceRelease = redilock::scripts::force_release;

#define HELD "SET|$L|$B|PX|100000"
#define SHARED "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+60000|$B"
#define C_WAITS "ZADD|$Q|$ago 1000|60000 $c2 $C & ZADD|$W|$+5000|$c2"
#define GONE_TO_C "lock C 60000; fence T; alive [c2 +5000]"

static void nobody_waits(void **) {
  script_test::check(kForceRelease, kAllKeys,
                     {{"free", "", "", "0", ""},
                      {"held", HELD, "", "1", ""},
                      {"shared", SHARED, "", "1", ""},
                      {"resting", "SET|$L|redilock:rest", "", "1", ""},
                      {"foreign list", "LPUSH|$L|x", "", "1", ""},
                      {"holders of an earlier lock", "ZADD|$H|$+60000|$A", "", "0", ""}});
}

static void the_head_gets_it(void **) {
  script_test::check(
      kForceRelease, kAllKeys,
      {{"held", HELD " & " C_WAITS, "", "1", GONE_TO_C, "c2: c T T"},
       {"foreign list", "LPUSH|$L|x & " C_WAITS, "", "1", GONE_TO_C, "c2: c T T"},
       {"free", C_WAITS, "", "0", GONE_TO_C, "c2: c T T"},
       {"shared, to a reader: the former holders are out",
        SHARED " & ZADD|$Q|5|30000s $c2 $C & ZADD|$W|$+5000|$c2", "", "1",
        "lock redilock:shared 30000; fence T; alive [c2 +5000]; holders [C +30000] 30000",
        "c2: c T T"}});
}

#define DEAD(n) \
  "EVAL|for i = 1, " #n " do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end return 0|1|$Q"

static void the_dead_are_dropped(void **) {
  script_test::check(kForceRelease, kAllKeys,
                     {{"two", HELD " & " DEAD(2), "", "1", ""},
                      {"100", HELD " & " DEAD(100), "", "1", ""},
                      {"104", HELD " & " DEAD(104), "", "3", "queue [9 dead 104 104]"},
                      {"another call", DEAD(104), "", "2", "queue [9 dead 104 104]"},
                      {"shared", SHARED " & " DEAD(2), "", "1", ""}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nobody_waits),
      cmocka_unit_test(the_head_gets_it),
      cmocka_unit_test(the_dead_are_dropped),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
