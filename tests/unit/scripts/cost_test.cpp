// The commands that each script runs, case by case: a change of these is a change of the speed.
#include "script.hpp"

using script_test::kAllKeys;
namespace scripts = redilock::scripts;

struct Cost {
  const char *what;
  std::string_view script;
  const char *keys, *before, *arguments, *reply;
  const char *commands;  // in alphabetical order; those that ran more than once with their number
};

// The client's own commands: EVAL, CONFIG RESETSTAT before it and TIME behind it.
static std::string commands_of_script() {
  script_test::send({"INFO", "commandstats"});
  redisReply *info = script_test::read_raw(script_test::connection);
  std::vector<std::string> commands;
  for (const std::string &line : script_test::split(info->str, "\r\n")) {
    const size_t colon = line.find(":calls=");
    if (line.compare(0, 8, "cmdstat_") != 0 || colon == line.npos) continue;
    std::string name = line.substr(8, colon - 8);
    name = name.substr(0, name.find('|'));  // servers before Redis 7.0 name no subcommand
    const int count = atoi(line.c_str() + colon + 7) - (name == "time" ? 1 : 0);
    if (name == "eval" || name == "config" || count == 0) continue;
    commands.push_back(count == 1 ? name : std::to_string(count) + " " + name);
  }
  freeReplyObject(info);
  std::sort(commands.begin(), commands.end(), [](const std::string &a, const std::string &b) {
    return a.substr(a.find(' ') + 1) < b.substr(b.find(' ') + 1);
  });
  std::string all;
  for (const std::string &command : commands) all += (all.empty() ? "" : ", ") + command;
  return all;
}

// Returns what is wrong. If much time passed, the waiters are older than the case says.
static std::string check_cost(const Cost &one) {
  constexpr int64_t kMostUs = 500000;
  const std::string before =
      std::string(one.before) + (one.before[0] == '\0' ? "" : " & ") + "CONFIG|RESETSTAT";
  const script_test::Case as_case = {one.what, before.c_str(), one.arguments, one.reply, ""};
  std::string wrong;
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::string reply;
    wrong = script_test::run(one.script, one.keys, as_case, reply);
    const std::string commands = commands_of_script();
    if (reply != one.reply) wrong += std::string(one.what) + ": replies " + reply + "\n";
    if (commands != one.commands) wrong += std::string(one.what) + ": runs " + commands + "\n";
    if (script_test::ended_us - script_test::started_us <= kMostUs) break;
  }
  return wrong;
}

static void check_costs(const std::vector<Cost> &costs) {
  const Outcome wrong = outcome_of([&] {
    std::string all;
    for (const Cost &one : costs) all += check_cost(one);
    return all;
  });
  assert_returns(wrong, "");
}

#define HELD "SET|$L|$A|PX|60000"
#define LIVE2 "ZADD|$W|$+6000|$c2"
#define SHARED "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A"

static void pair(void **) {
  check_costs(
      {{"acquire without fence", scripts::acquire, "$L|$Q", "", "$A|60000|0", "0", "exists, set"},
       {"acquire with fence", scripts::acquire, "$L|$Q|$F", "", "$A|60000|1", "T",
        "exists, getset, set, time"},
       {"acquire with all keys", scripts::acquire, kAllKeys, "", "$A|60000|1|$c1|0", "T",
        "exists, getset, set, time"},
       {"release", scripts::release, kAllKeys, HELD, "$A", "1", "del, exists, get"},
       {"acquire shared", scripts::acquire, kAllKeys, "", "$A|60000s|1", "T",
        "del, exists, getset, pexpireat, set, time, zadd"},
       {"release shared", scripts::release, kAllKeys, SHARED, "$A", "1",
        "del, exists, get, time, zcount, zscore"},
       {"acquire a second share", scripts::acquire, kAllKeys, SHARED, "$B|60000s|1", "T",
        "2 exists, 2 get, 2 pexpireat, set, time, zadd, zcount, zrange, zremrangebyscore, zscore"},
       {"refused", scripts::acquire, "$L|$Q", HELD, "$B|60000|0", "[60000 A]", "exists, get, pttl"},
       {"extend", scripts::extend, "$L|$H", HELD, "$A|100000", "1", "get, pexpire, pttl"}});
}

static void waiting(void **) {
#define QUEUED(age) HELD " & ZADD|$Q|$ago " age "|60000 $c2 $B & " LIVE2
  check_costs(
      {{"join", scripts::acquire, kAllKeys, HELD, "$B|60000|1|$c1|0", "[60000 0 T T 0 1 1 0 A]",
        "exists, 2 get, 2 pexpire, pttl, pubsub, set, time, 2 zadd, zcount, zrank, 2 "
        "zscore"},
       {"join, the client has a record", scripts::acquire, kAllKeys, HELD " & ZADD|$W|$+6000|$c1",
        "$B|60000|1|$c1|0", "[60000 0 T T 0 1 1 1 A]",
        "exists, 2 get, pexpire, pttl, pubsub, set, time, zadd, zrank, 2 zscore"},
       {"re-check at the head", scripts::acquire, kAllKeys, QUEUED("1000"), "$B|60000|1|$c2|7",
        "[60000 0 old T 0 0 1 1 A]", "exists, 2 get, pexpire, pttl, time, zrank, 2 zscore"},
       {"re-check behind the head", scripts::acquire, kAllKeys,
        QUEUED("1000") " & ZADD|$Q|$ago 900|60000 $c1 $C & ZADD|$W|$+6000|$c1", "$C|60000|1|$c1|8",
        "[60000 1 old T 0 0 1 1 A]",
        "exists, 3 get, pexpire, 2 pttl, pubsub, time, zrange, 2 zrank, 3 zscore"},
       {"beat", scripts::beat, "$W", LIVE2, "$c2", "[1 T 1]",
        "pexpire, pubsub, time, zadd, zscore"},
       {"first beat", scripts::beat, "$W", "", "$c2", "[0 T 1]",
        "pexpire, pubsub, time, zadd, zcount, zscore"},
       {"leave, not the head", scripts::release, kAllKeys,
        QUEUED("1000") " & ZADD|$Q|$ago 900|60000 $c1 $C", "$C|60000 $c1 $C", "0",
        "get, zrank, zrem"},
       {"leave, the head", scripts::release, kAllKeys, QUEUED("1000") " & ZADD|$Q|6|60000 $c1 $C",
        "$C|60000 $c1 $C", "0", "get, pttl, publish, time, zrange, zrank, zrem, zscore"}});
}

static void hand_off(void **) {
#define NEXT(age) " & ZADD|$Q|$ago " age "|60000 $c1 $C & ZADD|$W|$+6000|$c1"
  check_costs(
      {{"hand-off to a young waiter", scripts::release, kAllKeys, QUEUED("1000"), "$A", "1",
        "exists, 2 get, publish, pubsub, 2 set, time, zrange, zremrangebyrank, zscore"},
       {"hand-off to an old waiter", scripts::release, kAllKeys, QUEUED("9000"), "$A", "1",
        "exists, 2 get, publish, pubsub, 2 set, time, 2 zrange, zremrangebyrank, zscore"},
       {"hand-off, the next is young", scripts::release, kAllKeys, QUEUED("9000") NEXT("1000"),
        "$A", "1",
        "exists, 2 get, pttl, publish, pubsub, 2 set, time, 2 zrange, zremrangebyrank, 2 "
        "zscore"},
       {"hand-off, the next is notified", scripts::release, kAllKeys, QUEUED("9000") NEXT("5000"),
        "$A", "1",
        "exists, 2 get, pttl, 2 publish, pubsub, 2 set, time, 2 zrange, zremrangebyrank, 2 "
        "zscore"},
       {"hand-off past a dead waiter", scripts::release, kAllKeys,
        QUEUED("1000") " & ZADD|$Q|6|60000 $dead $D", "$A", "1",
        "exists, 2 get, publish, 2 pubsub, 2 set, time, 4 zrange, zremrangebyrank, 3 "
        "zscore"},
       {"hand-off to two readers", scripts::release, kAllKeys,
        HELD " & ZADD|$Q|7|60000s $c2 $B|8|60000s $c1 $C & ZADD|$W|$+6000|$c1|$+6000|$c2", "$A",
        "1",
        "del, exists, 2 get, 2 pexpireat, 2 publish, 2 pubsub, 2 set, time, 2 zadd, 6 "
        "zrange, zremrangebyrank, zremrangebyscore, 2 zscore"},
       {"an ended lease goes to the head", scripts::acquire, kAllKeys,
        "ZADD|$Q|$ago 1000|60000 $c2 $B & " LIVE2, "$B|60000|1|$c2|7", "T",
        "2 exists, 3 get, pexpire, pubsub, 2 set, time, 2 zrange, zrank, zremrangebyrank, 2 "
        "zscore"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(pair),
      cmocka_unit_test(waiting),
      cmocka_unit_test(hand_off),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
