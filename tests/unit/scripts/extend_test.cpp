// extend.lua: leases become longer and never shorter.
#include "script.hpp"

static constexpr auto kExtend = redilock::scripts::extend;
static constexpr const char *kKeys = "$L|$H";

static void exclusive_lease(void **) {
  script_test::check(
      kExtend, kKeys,
      {{"longer", "SET|$L|$A|PX|5000", "$A|100000", "1", "lock A 100000"},
       {"shorter", "SET|$L|$A|PX|100000", "$A|5000", "1", "lock A 100000"},
       {"another's", "SET|$L|$B|PX|60000", "$A|100000", "0", "lock B 60000"},
       {"foreign", "SET|$L|x", "$A|100000", "0", "lock x"},
       {"resting", "SET|$L|redilock:rest|PX|60000", "$A|100000", "0", "lock redilock:rest 60000"},
       {"gone", "", "$A|100000", "0", ""},
       {"gone, with holders of an earlier lock", "ZADD|$H|$+60000|$A", "$A|100000", "0",
        "holders [A +60000]"}});
}

static void shared_lease(void **) {
#define A_B_HOLD \
  "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+30000|$A|$+60000|$B & PEXPIRE|$H|60000"
  script_test::check(
      kExtend, kKeys,
      {{"beyond the last", A_B_HOLD, "$A|100000", "1",
        "lock redilock:shared 100000; holders [B +60000 A +100000] 100000"},
       {"not beyond the last", A_B_HOLD, "$A|30000", "1",
        "lock redilock:shared 60000; holders [A +30000 B +60000] 60000"},
       {"shorter", A_B_HOLD, "$A|5000", "1",
        "lock redilock:shared 60000; holders [A +30000 B +60000] 60000"},
       {"not a holder", A_B_HOLD, "$C|100000", "0",
        "lock redilock:shared 60000; holders [A +30000 B +60000] 60000"},
       {"ended", A_B_HOLD " & ZADD|$H|$-1|$A", "$A|100000", "0",
        "lock redilock:shared 60000; holders [A past B +60000] 60000"},
       {"resting", A_B_HOLD " & ZADD|$H|$+30000|redilock:rest:$C", "$C|100000", "0",
        "lock redilock:shared 60000; holders [A +30000 redilock:rest:C +30000 B +60000] 60000"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(exclusive_lease),
      cmocka_unit_test(shared_lease),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
