// extend.lua, info.lua and list.lua: the scripts that hand nothing on.
#include "script.hpp"

static void lease_is_extended_and_never_shortened(void **) {
  script_test::check(
      redilock::scripts::extend,
      {
          {"longer", {"SET|$L|$A|PX|500"}, {"$L"}, {"$A", "100000"}, "1", "lock A 100000", ""},
          {"shorter", {"SET|$L|$A|PX|100000"}, {"$L"}, {"$A", "500"}, "1", "lock A 100000", ""},
          {"another's",
           {"SET|$L|$B|PX|100000"},
           {"$L"},
           {"$A", "200000"},
           "0",
           "lock B 100000",
           ""},
          {"gone", {}, {"$L"}, {"$A", "100000"}, "0", "", ""},
          {"a list", {"LPUSH|$L|x"}, {"$L"}, {"$A", "100000"}, "error WRONGTYPE", "lock list", ""},
      });
}

static void info_tells_and_changes_nothing(void **) {
  script_test::check(
      redilock::scripts::info,
      {
          {"free", {}, {"$L", "$Q"}, {}, "[none  -2 0]", "", ""},
          {"held, and waited for",
           {"SET|$L|$A|PX|100000", "ZADD|$Q|7|60000 c2 $C", "ZADD|$Q|6|60000 c2 $B"},
           {"$L", "$Q"},
           {},
           "[string A 100000 2 60000 c2 B 60000 c2 C]",
           "lock A 100000; queue [60000 c2 B 6 60000 c2 C 7]",
           ""},
          {"a list", {"LPUSH|$L|x"}, {"$L", "$Q"}, {}, "[list  -1 0]", "lock list", ""},
      });
}

static void list_tells_names_that_are_held_or_waited_for(void **) {
  script_test::check(
      redilock::scripts::list,
      {
          {"held",
           {"SET|$L|$A|PX|100000", "SET|other|x", "LPUSH|$Q|x"},
           {},
           {"0", "*", ""},
           "[0 L]",
           "lock A 100000; queue list",
           ""},
          {"waited for",
           {"SET|$L|x|PX|100000", "ZADD|$Q|7|60000 c2 $C"},
           {},
           {"0", "*", "redilock:1:{}:queue:"},
           "[0 L]",
           "lock x 100000; queue [60000 c2 C 7]",
           ""},
          {"by pattern", {"SET|$L|$A|PX|100000"}, {}, {"0", "M*", ""}, "[0]", "lock A 100000", ""},
      });
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lease_is_extended_and_never_shortened),
      cmocka_unit_test(info_tells_and_changes_nothing),
      cmocka_unit_test(list_tells_names_that_are_held_or_waited_for),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
