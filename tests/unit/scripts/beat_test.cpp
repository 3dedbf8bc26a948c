// beat.lua: the record of a client, and how it learns that the record or its subscription was lost.
#include "script.hpp"

static constexpr auto kBeat = redilock::scripts::beat;

static void record_is_renewed(void **) {
#define LIVES "alive [c1 +6000] 180000"
  script_test::check(
      kBeat, "$W",
      {{"first", "", "$c1", "[0 T 1]", LIVES},
       {"fresh", "ZADD|$W|$+5000|$c1", "$c1", "[1 T 1]", LIVES},
       {"ended", "ZADD|$W|$-1|$c1", "$c1", "[0 T 1]", LIVES},
       {"of a stepped clock", "ZADD|$W|$+80000|$c1", "$c1", "[0 T 1]", LIVES},
       {"a longer life", "ZADD|$W|$+5000|$c1", "$c1|60000", "[1 T 1]", "alive [c1 +60000] 180000"},
       {"the records of others stay", "ZADD|$W|$+3000|$c2|$-1|$c3", "$c1", "[0 T 1]",
        "alive [c3 past c2 +3000 c1 +6000] 180000"}});
}

static void subscription_is_looked_for(void **) {
  script_test::check(kBeat, "$W",
                     {{"none", "", "$dead", "[0 T 0]", "alive [dead +6000] 180000"},
                      {"polls", "", "$poll", "[0 T 1]", "alive [poll +6000] 180000"}});
  script_test::check(kBeat, "$V",
                     {{"sharded", "", "$shard", "[0 T 1]", "tagged [shard +6000] 180000"},
                      {"sharded, none", "", "redilock:1:{@@ED}:wake:x", "[0 T 0]",
                       "tagged [redilock:1:{@@ED}:wake:x +6000] 180000"},
                      {"plain", "", "$plain", "[0 T 1]", "tagged [plain +6000] 180000"},
                      {"plain, none", "", "redilock:1:{@@ED}:plain:x", "[0 T 0]",
                       "tagged [redilock:1:{@@ED}:plain:x +6000] 180000"},
                      {"a kind of a later version", "", "redilock:1:{@@ED}:other:x", "[0 T 1]",
                       "tagged [redilock:1:{@@ED}:other:x +6000] 180000"}});
}

// `n` records that ended `s` seconds ago.
#define ENDED(n, s)                                       \
  "EVAL|local now = redis.call('TIME')[1] for i = 1, " #n \
  " do redis.call('ZADD', KEYS[1], (now - " #s ") * 1000 + i, 'x' .. i) end return 0|1|$W"

static void new_client_removes_old_records(void **) {
  script_test::check(kBeat, "$W",
                     {{"all", ENDED(99, 70), "$c1", "[0 T 1]", LIVES},
                      {"at most 100", ENDED(101, 170) " & ZREM|$W|x1|x2", "$c1", "[0 T 1]", LIVES},
                      {"but not those of the last minute", ENDED(1, 5), "$c1", "[0 T 1]",
                       "alive [x1 past c1 +6000] 180000"}});
  const script_test::Case more = {"more than 100", ENDED(103, 70), "$c1", "[0 T 1]", ""};
  std::string reply;
  script_test::run(kBeat, "$W", more, reply);
  assert_returns(outcome_of([&] { return reply + " " + script_test::ask("ZCARD|$W"); }),
                 "[0 T 1] 4");
}

static void wrong_type_is_an_error(void **) {
  script_test::check(kBeat, "$W", {{"list", "LPUSH|$W|x", "$c1", "error WRONGTYPE", "alive list"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(record_is_renewed),
      cmocka_unit_test(subscription_is_looked_for),
      cmocka_unit_test(new_client_removes_old_records),
      cmocka_unit_test(wrong_type_is_an_error),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
