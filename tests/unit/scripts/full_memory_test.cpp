// The scripts on a server whose memory is full: what adds data is refused before it changes anything,
// and what ends or extends a lease works.
#include "script.hpp"

using script_test::kAllKeys;
namespace scripts = redilock::scripts;

#define ROOM "CONFIG|SET|maxmemory|0 & "
#define FULL " & CONFIG|SET|maxmemory|1"
#define HELD "SET|$L|$A|PX|60000"
#define SHARED "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+30000|$B & PEXPIRE|$H|60000"
#define C_WAITS " & ZADD|$Q|$ago 1000|30000 $c2 $C & ZADD|$W|$+5000|$c2"
#define C_STILL_WAITS "queue [30000 c2 C old]; alive [c2 +5000]"
#define GONE_TO_C "lock C 30000; fence T; alive [c2 +5000]"
#define BOTH_HOLD "holders [B +30000 A +60000] 60000"

static void new_data_is_refused(void **) {
  script_test::check(
      scripts::acquire, kAllKeys,
      {{"grant", ROOM "PING" FULL, "$D|60000|1", "error OOM", ""},
       {"grant without fence", ROOM "PING" FULL, "$D|60000|0", "error OOM", ""},
       {"shared grant", ROOM SHARED FULL, "$D|60000s|1", "error OOM",
        "lock redilock:shared 60000; " BOTH_HOLD},
       {"join", ROOM HELD C_WAITS FULL, "$D|60000|1|$c1|0", "error OOM",
        "lock A 60000; " C_STILL_WAITS},
       {"held, does not wait", ROOM HELD FULL, "$D|60000|1", "[60000 A]", "lock A 60000"}});
  script_test::check(
      scripts::convert, kAllKeys,
      {{"to shared", ROOM HELD C_WAITS FULL, "$A|60000s|1", "error OOM",
        "lock A 60000; " C_STILL_WAITS},
       {"to exclusive", ROOM SHARED " & ZREM|$H|$B" C_WAITS FULL, "$A|60000|1", "error OOM",
        "lock redilock:shared 60000; " C_STILL_WAITS "; holders [A +60000] 60000"}});
  script_test::check(scripts::beat, "$W", {{"beat", ROOM "PING" FULL, "$c1", "error OOM", ""}});
}

static void releases_work(void **) {
  script_test::check(
      scripts::release, kAllKeys,
      {{"nobody waits", ROOM HELD FULL, "$A", "1", ""},
       {"hand-off", ROOM HELD C_WAITS FULL, "$A", "1", GONE_TO_C, "c2: c T T"},
       {"hand-off past the dead", ROOM HELD " & ZADD|$Q|5|9 $dead $B" C_WAITS FULL, "$A", "1",
        GONE_TO_C, "c2: c T T"},
       {"to a reader", ROOM HELD " & ZADD|$Q|$ago 1000|30000s $c2 $C & ZADD|$W|$+5000|$c2" FULL,
        "$A", "1",
        "lock redilock:shared 30000; fence T; alive [c2 +5000]; holders [C +30000] 30000",
        "c2: c T T"},
       {"rest", ROOM HELD FULL, "$A||5000", "1", "lock redilock:rest 5000"},
       {"shared, others hold on", ROOM SHARED FULL, "$A", "1",
        "lock redilock:shared 30000; holders [B +30000] 30000"},
       {"shared, to a permit", ROOM SHARED " & ZADD|$Q|5|30000s2 $c2 $C & ZADD|$W|$+5000|$c2" FULL,
        "$A", "1",
        "lock redilock:shared 30000; fence T; alive [c2 +5000]; holders [B +30000 C +30000] 30000",
        "c2: c T T"},
       {"shared rest", ROOM SHARED FULL, "$A||5000", "1",
        "lock redilock:shared 30000; holders [redilock:rest:A +5000 B +30000] 30000"},
       {"leave", ROOM HELD " & ZADD|$Q|5|9 $c1 $B" C_WAITS FULL, "$B|9 $c1 $B", "0",
        "lock A 60000; " C_STILL_WAITS, "c2: next c 60000 T"},
       {"leave a free lock", ROOM "ZADD|$Q|5|9 $c1 $B" C_WAITS FULL, "$B|9 $c1 $B", "0", GONE_TO_C,
        "c2: c T T"}});
}

static void leases_are_extended(void **) {
  script_test::check(scripts::extend, "$L|$H",
                     {{"exclusive", ROOM HELD FULL, "$A|100000", "1", "lock A 100000"},
                      {"shared", ROOM SHARED FULL, "$A|100000", "1",
                       "lock redilock:shared 100000; holders [B +30000 A +100000] 100000"}});
}

static void locks_are_broken(void **) {
  script_test::check(scripts::force_release, kAllKeys,
                     {{"nobody waits", ROOM HELD FULL, "", "1", ""},
                      {"another waits", ROOM HELD C_WAITS FULL, "", "1", GONE_TO_C, "c2: c T T"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(new_data_is_refused),
      cmocka_unit_test(releases_work),
      cmocka_unit_test(leases_are_extended),
      cmocka_unit_test(locks_are_broken),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
