// check.lua: it fails on nothing, and changes nothing.
#include "script.hpp"

using script_test::kAllKeys;

static constexpr auto kCheck = redilock::scripts::check;
static constexpr const char *kChannels = "redilock:1:{}:wake:check|redilock:1:{}:plain:check";

static void nothing_is_changed(void **) {
  script_test::check(
      kCheck, kAllKeys,
      {{"nothing there", "", kChannels, "[]", ""},
       {"held and waited for",
        "SET|$L|$A|PX|60000 & ZADD|$Q|7|60000 $c1 $B & SET|$F|7 & ZADD|$W|$+6000|$c1", kChannels,
        "[]", "lock A 60000; queue [60000 c1 B 7]; fence 7; alive [c1 +6000]"},
       {"free and waited for", "ZADD|$Q|7|60000 $c1 $B", kChannels, "[]", "queue [60000 c1 B 7]"},
       {"shared, and every key exists",
        "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A & SET|$F|7 & ZADD|$Q|7|60000s $c1 $B",
        kChannels, "[]",
        "lock redilock:shared 60000; queue [60000s c1 B 7]; fence 7; holders [A +60000]"},
       {"a foreign holder without end", "SET|$L|mine", kChannels, "[]", "lock mine"}});
}

static void first_failure_is_named(void **) {
  script_test::check(
      kCheck, kAllKeys,
      {{"a list in place of the lock", "LPUSH|$L|x", kChannels,
        "[get L WRONGTYPE Operation against a key holding the wrong kind of value]", "lock list"},
       {"a text in place of the queue", "SET|$Q|x", kChannels,
        "[zadd redilock:1:{@@ED}:queue:L WRONGTYPE Operation against a key holding the wrong kind "
        "of value]",
        "queue string"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_changed),
      cmocka_unit_test(first_failure_is_named),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
