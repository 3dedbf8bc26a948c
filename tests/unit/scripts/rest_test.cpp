// release.lua with a rest: for so long nobody owns the lock and nobody gets it.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kRelease = redilock::scripts::release;

#define REST "$A||5000"
#define HELD "SET|$L|$A|PX|100000"
#define A_B_HOLD \
  "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+30000|$B & PEXPIRE|$H|60000"
#define C_WAITS "ZADD|$Q|$ago 0|60000 $c2 $C & ZADD|$W|$+6000|$c2"
#define C_STILL_WAITS "queue [60000 c2 C T]; alive [c2 +6000]"
#define RESTS "lock redilock:rest 5000"

static void exclusive_holder_leaves_a_rest(void **) {
  script_test::check(kRelease, kAllKeys,
                     {{"nobody waits", HELD, REST, "1", RESTS},
                      {"the head learns when it ends", HELD " & " C_WAITS, REST, "1",
                       RESTS "; " C_STILL_WAITS, "c2: next c 5000 T"},
                      {"the rest of 0 is none", HELD, "$A||0", "1", ""},
                      {"the rest is over, another waits", HELD " & " C_WAITS, "$A||-5", "1",
                       "lock C 60000; fence T; alive [c2 +6000]", "c2: c T T"},
                      {"not the holder", HELD, "$B||5000", "0", "lock A 100000"},
                      {"free", "", REST, "0", ""},
                      {"it rests already", "SET|$L|redilock:rest|PX|100000", REST, "0",
                       "lock redilock:rest 100000"}});
}

static void shared_holder_leaves_a_resting_permit(void **) {
  script_test::check(
      kRelease, kAllKeys,
      {{"others hold on", A_B_HOLD, REST, "1",
        "lock redilock:shared 30000; holders [redilock:rest:A +5000 B +30000] 30000"},
       {"the last one", "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A", REST, "1",
        "lock redilock:shared 5000; holders [redilock:rest:A +5000] 5000"},
       {"the head learns when there is room", A_B_HOLD " & " C_WAITS, REST, "1",
        "lock redilock:shared 30000; " C_STILL_WAITS
        "; holders [redilock:rest:A +5000 B +30000] 30000",
        "c2: next c 30000 T"},
       {"the head waits for a permit", A_B_HOLD " & ZADD|$Q|5|60000s2 $c2 $C & ZADD|$W|$+6000|$c2",
        REST, "1",
        "lock redilock:shared 30000; queue [60000s2 c2 C 5]; alive [c2 +6000]; holders "
        "[redilock:rest:A +5000 B +30000] 30000",
        "c2: next c 5000 T"},
       {"the lease ended", A_B_HOLD " & ZADD|$H|$-1|$A", REST, "0",
        "lock redilock:shared 60000; holders [A past B +30000] 60000"},
       {"a resting permit is nobody's", A_B_HOLD " & ZREM|$H|$A & ZADD|$H|$+60000|redilock:rest:$A",
        REST, "0", "lock redilock:shared 60000; holders [B +30000 redilock:rest:A +60000] 60000"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(exclusive_holder_leaves_a_rest),
      cmocka_unit_test(shared_holder_leaves_a_resting_permit),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
