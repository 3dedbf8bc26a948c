// acquire.lua with shared leases: holders, permits, and the order of readers and writers.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kAcquire = redilock::scripts::acquire;

#define TRY "$A|100000s|1"
#define TRY_SHORT "$A|30000s|1"
#define TRY_ALONE "$A|100000|1"
#define JOIN "$A|100000s|1|$c1|0"
#define B_HOLDS "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$B & PEXPIRE|$H|60000"
#define B_C_HOLD B_HOLDS " & ZADD|$H|$+30000|$C"
#define B_ENDED "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$-1|$B"
#define LIVE2 "ZADD|$W|$+5000|$c2"
#define LIVE3 "ZADD|$W|$+6000|$c3"

static void free_lock_is_shared(void **) {
#define ONLY_A "lock redilock:shared 100000; fence T; holders [A +100000] 100000"
  script_test::check(kAcquire, kAllKeys,
                     {{"free", "", TRY, "T", ONLY_A},
                      {"no fence", "SET|$F|5", "$A|100000s|0", "0",
                       "lock redilock:shared 100000; fence 5; holders [A +100000] 100000"},
                      {"with permits", "", "$A|100000s3|1", "T", ONLY_A},
                      {"with one permit", "", "$A|100000s1|1", "T", ONLY_A},
                      {"holders of an earlier lock", "ZADD|$H|$+60000|$B", TRY, "T", ONLY_A},
                      {"all leases ended", B_ENDED, TRY, "T", ONLY_A},
                      {"no holders", "SET|$L|redilock:shared|PX|60000", TRY, "T", ONLY_A},
                      {"all leases ended, exclusive", B_ENDED, TRY_ALONE, "T",
                       "lock A 100000; fence T; holders [B past]"}});
  script_test::check(kAcquire, "$L|$Q|$F", {{"needs all keys", "", TRY, "[-2]", ""}});
}

static void readers_share(void **) {
  script_test::check(
      kAcquire, kAllKeys,
      {{"a longer lease", B_HOLDS, TRY, "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"},
       {"a shorter lease", B_HOLDS, TRY_SHORT, "T",
        "lock redilock:shared 60000; fence T; holders [A +30000 B +60000] 60000"},
       {"an ended one is removed", B_HOLDS " & ZADD|$H|$-1|$C", TRY, "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"},
       {"with room for one more", B_HOLDS, "$A|100000s2|1", "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"},
       {"ended ones take no room", B_HOLDS " & ZADD|$H|$-1|$C", "$A|100000s2|1", "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"}});
}

static void others_do_not_fit(void **) {
#define STILL "lock redilock:shared 60000; "
#define TWO "holders [C +30000 B +60000] 60000"
#define WAITS "fence T; alive [c1 +6000] 180000; "
  script_test::check(
      kAcquire, kAllKeys,
      {{"exclusive", B_C_HOLD, TRY_ALONE, "[60000 redilock:shared]", STILL TWO},
       {"one permit", B_C_HOLD, "$A|100000s1|1", "[60000 redilock:shared]", STILL TWO},
       {"two permits", B_C_HOLD, "$A|100000s2|1", "[30000 redilock:shared]", STILL TWO},
       {"waits exclusive", B_C_HOLD, "$A|100000|1|$c1|0", "[60000 0 T T 0 1 1 0 redilock:shared]",
        STILL "queue [100000 c1 A T] 180000; " WAITS TWO},
       {"waits for a permit", B_C_HOLD, "$A|100000s2|1|$c1|0",
        "[30000 0 T T 0 1 1 0 redilock:shared]",
        STILL "queue [100000s2 c1 A T] 180000; " WAITS TWO},
       {"a resting permit takes room", B_HOLDS " & ZADD|$H|$+30000|redilock:rest:$C",
        "$A|100000s2|1", "[30000 redilock:shared]",
        STILL "holders [redilock:rest:C +30000 B +60000] 60000"},
       {"leases without end", B_HOLDS " & PERSIST|$L", TRY_ALONE, "[-1 redilock:shared]",
        "lock redilock:shared; holders [B +60000] 60000"},
       {"a reader beside a writer", "SET|$L|$B|PX|60000", TRY, "[60000 B]", "lock B 60000"}});
}

static void no_reader_passes_a_waiting_writer(void **) {
  script_test::check(
      kAcquire, kAllKeys,
      {{"waits behind it", B_HOLDS " & ZADD|$Q|7|60000 $c2 $C & " LIVE2, JOIN,
        "[60000 1 T T 0 1 1 0 redilock:shared]",
        "lock redilock:shared 60000; queue [60000 c2 C 7 100000s c1 A T] 180000; fence T; alive "
        "[c2 +5000 c1 +6000] 180000; holders [B +60000] 60000"},
       {"a try", B_HOLDS " & ZADD|$Q|7|60000 $c2 $C & " LIVE2, TRY, "[60000 redilock:shared]",
        "lock redilock:shared 60000; queue [60000 c2 C 7]; alive [c2 +5000]; holders [B +60000] "
        "60000"},
       {"a dead one", B_HOLDS " & ZADD|$Q|7|60000 $dead $C", JOIN, "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"},
       {"a try, a dead one", B_HOLDS " & ZADD|$Q|7|60000 $dead $C", TRY, "T",
        "lock redilock:shared 100000; fence T; holders [B +60000 A +100000] 100000"}});
}

static void own_grant_is_found(void **) {
#define A_HOLDS B_HOLDS " & ZADD|$H|$+30000|$A & SET|$F|4"
#define AND_B "holders [B +60000 A +100000] 100000"
  script_test::check(
      kAcquire, kAllKeys,
      {{"the lease starts again", A_HOLDS, TRY, "T",
        "lock redilock:shared 100000; fence T; " AND_B},
       {"no fence wanted", A_HOLDS, "$A|100000s|0", "0",
        "lock redilock:shared 100000; fence 4; " AND_B},
       {"a longer lease stays", A_HOLDS, "$A|5000s|1", "T",
        "lock redilock:shared 60000; fence T; holders [A +30000 B +60000] 60000"},
       {"a writer waits", A_HOLDS " & ZADD|$Q|7|60000 $c2 $C & " LIVE2, JOIN, "T",
        "lock redilock:shared 100000; queue [60000 c2 C 7]; fence T; alive [c2 +5000]; " AND_B},
       {"an ended one is not found", B_HOLDS " & ZADD|$H|$-1|$A", "$A|100000s1|1",
        "[60000 redilock:shared]", "lock redilock:shared 60000; holders [A past B +60000] 60000"}});
}

static void free_lock_goes_to_all_readers_at_the_head(void **) {
#define READERS                                                                  \
  "ZADD|$Q|$ago 3000|60000s $c2 $C|$ago 2000|30000s $c3 $D & " LIVE2 " & " LIVE3 \
  " & SET|$F|8000000000000000"
#define ALIVE "alive [c2 +5000 c3 +6000]"
  script_test::check(
      kAcquire, kAllKeys,
      {{"and to the caller behind them", READERS, "$A|100000s|1|$c1|$ago 1000", "8000000000000003",
        "lock redilock:shared 100000; fence 8000000000000003; " ALIVE
        "; holders [D +30000 C +60000 A +100000] 100000",
        "c2: c 8000000000000001 T, c3: d 8000000000000002 T"},
       {"and to a try", READERS, TRY, "8000000000000003",
        "lock redilock:shared 100000; fence 8000000000000003; " ALIVE
        "; holders [D +30000 C +60000 A +100000] 100000",
        "c2: c 8000000000000001 T, c3: d 8000000000000002 T"},
       {"but to no more than it allows", READERS, "$A|100000s2|1", "[30000 redilock:shared]",
        "lock redilock:shared 60000; fence 8000000000000002; " ALIVE
        "; holders [D +30000 C +60000] 60000",
        "c2: c 8000000000000001 T, c3: d 8000000000000002 T"},
       {"but to no writer", READERS, TRY_ALONE, "[60000 redilock:shared]",
        "lock redilock:shared 60000; fence 8000000000000002; " ALIVE
        "; holders [D +30000 C +60000] 60000",
        "c2: c 8000000000000001 T, c3: d 8000000000000002 T"},
       {"up to the first writer",
        "ZADD|$Q|1|60000s $c2 $C|2|60000 $dead $B|3|60000 $c3 $D & " LIVE2 " & " LIVE3, TRY,
        "[60000 redilock:shared]",
        "lock redilock:shared 60000; queue [60000 c3 D 3]; fence T; " ALIVE
        "; holders [C +60000] 60000",
        "c2: c T T, c3: next d 60000 T"},
       {"up to the permits of the next",
        "ZADD|$Q|1|60000s2 $c2 $C|2|30000s1 $c3 $D & " LIVE2 " & " LIVE3, TRY,
        "[60000 redilock:shared]",
        "lock redilock:shared 60000; queue [30000s1 c3 D 2]; fence T; " ALIVE
        "; holders [C +60000] 60000",
        "c2: c T T, c3: next d 60000 T"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(free_lock_is_shared),
      cmocka_unit_test(readers_share),
      cmocka_unit_test(others_do_not_fit),
      cmocka_unit_test(no_reader_passes_a_waiting_writer),
      cmocka_unit_test(own_grant_is_found),
      cmocka_unit_test(free_lock_goes_to_all_readers_at_the_head),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
