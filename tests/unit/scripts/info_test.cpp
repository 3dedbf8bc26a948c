// info.lua: what it replies, and that it changes nothing.
#include "script.hpp"

static constexpr auto kInfo = redilock::scripts::info;
static constexpr const char *kKeys = "$L|$Q|$H";

static void lock_is_described(void **) {
  script_test::check(
      kInfo, kKeys,
      {{"free", "", "", "[none  -2 0 0 [] [] T []]", ""},
       {"held, two wait", "SET|$L|$A|PX|100000 & ZADD|$Q|7|60000 $c2 $C & ZADD|$Q|6|60000s2 $c1 $B",
        "", "[string A 100000 2 0 [60000s2 c1 B 60000 c2 C] [] T [6 7]]",
        "lock A 100000; queue [60000s2 c1 B 6 60000 c2 C 7]"},
       {"a real arrival", "SET|$L|$A|PX|100000 & ZADD|$Q|$ago 5000|60000 $c1 $B", "",
        "[string A 100000 1 0 [60000 c1 B] [] T [old]]", "lock A 100000; queue [60000 c1 B old]"},
       {"arrivals that are no numbers", "ZADD|$Q|inf|x|1.5|y", "",
        "[none  -2 2 0 [y x] [] T [1.5 inf]]", "queue [y 1.5 x inf]"},
       {"resting", "SET|$L|redilock:rest|PX|60000", "",
        "[string redilock:rest 60000 0 0 [] [] T []]", "lock redilock:rest 60000"},
       {"shared",
        "SET|$L|redilock:shared|PX|60000 & "
        "ZADD|$H|$+60000|$A|$+30000|redilock:rest:$B|$-1|$C & PEXPIRE|$H|60000",
        "", "[string redilock:shared 60000 0 2 [] [redilock:rest:B 30000 A 60000] T []]",
        "lock redilock:shared 60000; holders [C past redilock:rest:B +30000 A +60000] 60000"},
       {"holders of an earlier lock", "SET|$L|$A & ZADD|$H|$+60000|$B", "",
        "[string A -1 0 0 [] [] T []]", "lock A; holders [B +60000]"},
       {"a list", "LPUSH|$L|x", "", "[list  -1 0 0 [] [] T []]", "lock list"}});
}

// A case with long texts or many members: checks lengths, which the tables do not show.
static std::string lengths_after(const std::string &before) {
  script_test::ask("FLUSHALL");
  for (const std::string &command : script_test::split(before, " & ")) script_test::ask(command);
  script_test::send_script(kInfo, kKeys, "");
  redisReply *reply = script_test::read_raw(script_test::connection);
  const redisReply *const *parts = reply->element;
  std::string text = "value " + std::to_string(parts[1]->len);
  text += ", waiters " + std::to_string(parts[3]->integer);
  text += ", holders " + std::to_string(parts[4]->integer);
  for (const int list : {5, 6, 8}) {
    text += ", " + std::to_string(parts[list]->elements);
    if (parts[list]->elements > 0) text += " of " + std::to_string(parts[list]->element[0]->len);
  }
  freeReplyObject(reply);
  return text;
}

static void long_replies_are_cut(void **) {
  const std::string k300(300, 'x');
  assert_returns(
      outcome_of([&] { return lengths_after("SET|$L|" + k300 + " & ZADD|$Q|1|" + k300); }),
      "value 256, waiters 1, holders 0, 1 of 255, 0, 1 of 1");
  assert_returns(
      outcome_of([&] {
        return lengths_after(
            "SET|$L|redilock:shared & EVAL|for i = 1, 150 do redis.call('ZADD', KEYS[1], i, 'm' .. "
            "i) redis.call('ZADD', KEYS[2], 9e15 + i, string.rep('h', 300) .. i) end return "
            "0|2|$Q|$H");
      }),
      "value 15, waiters 150, holders 150, 100 of 2, 200 of 255, 100 of 1");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lock_is_described),
      cmocka_unit_test(long_replies_are_cut),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
