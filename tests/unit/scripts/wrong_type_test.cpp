// Each script with each key of a wrong type, on a held, a shared and a free lock: either the key does
// not matter, or the script fails and changes nothing.
#include "script.hpp"

namespace scripts = redilock::scripts;

static constexpr const char *kKeys[] = {"$L", "$Q", "$F", "$W", "$H"};

struct Lock {
  const char *name, *commands;
};

// Two clients wait, an exclusive one and a shared one behind it.
#define QUEUE                                                                                 \
  "ZADD|$Q|$ago 3000|60000 $c2 $C|$ago 2000|60000s $c3 $D & ZADD|$W|$+5000|$c2|$+5000|$c3 & " \
  "SET|$F|5"
static constexpr Lock kLocks[] = {
    {"held", "SET|$L|$A|PX|60000 & " QUEUE},
    {"shared", "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+30000|redilock:x & " QUEUE},
    {"free", QUEUE},
    {"held, nobody waits", "SET|$L|$A|PX|60000"},
    {"shared, nobody waits", "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A"},
    {"free, nobody waits", "PING"},
};

struct Request {
  const char *name;
  std::string_view script;
  const char *keys, *arguments;
  // For each of kLocks, whether each of kKeys causes an error ('E') or does not matter ('.').
  const char *expected;
};

static constexpr const char *kAll = script_test::kAllKeys;
static const Request kRequests[] = {
    {"first try, two keys", scripts::acquire, "$L|$Q", "$B|60000|0",
     "E.... E.... E.... E.... E.... E...."},
    {"first try, three keys", scripts::acquire, "$L|$Q|$F", "$B|60000|1",
     "E.... E.... E.... E.... E.... E.E.."},
    {"try", scripts::acquire, kAll, "$B|60000|1", "E.... EEEEE EEEE. E.... EEE.E EEE.."},
    {"shared try", scripts::acquire, kAll, "$B|60000s|1", "E.... EEEEE EEEE. E.... EEE.E EEE.."},
    {"join", scripts::acquire, kAll, "$B|60000|1|$c1|0", "EEEE. EEEEE EEEE. EEEE. EEEEE EEE.."},
    {"shared join", scripts::acquire, kAll, "$B|60000s|1|$c1|0",
     "EEEE. EEEEE EEEE. EEEE. EEE.E EEE.."},
    {"re-check", scripts::acquire, kAll, "$D|60000s|1|$c3|7",
     "EEEE. EEEEE EEEE. EEEE. EEE.E EEE.."},
    {"already mine", scripts::acquire, kAll, "$A|60000|1", "E.E.. E.E.E EEEE. E.E.. E.E.E EEE.."},
    {"release", scripts::release, kAll, "$A", "EEEE. EEEEE EEEE. EE... EE..E EEE.."},
    {"release with a rest", scripts::release, kAll, "$A||5000",
     "EE... EE..E EEEE. EE... EE..E EEE.."},
    {"leave", scripts::release, kAll, "$C|60000 $c2 $C", "EE... EEEEE EEEE. EE... EEE.E EEE.."},
    {"extend", scripts::extend, "$L|$H", "$A|100000", "E.... E...E E.... E.... E...E E...."},
    {"convert to shared", scripts::convert, kAll, "$A|100000s|1",
     "EEEE. EEEEE E.... EEEE. EEEEE E...."},
    {"convert to exclusive", scripts::convert, kAll, "$A|100000|1",
     "EEEE. E...E E.... EEEE. EEEEE E...."},
    {"force release", scripts::force_release, kAll, "", ".EEE. .EEE. .EEE. .E... .E... .E..."},
    {"beat", scripts::beat, "$W", "$c2", "...E. ...E. ...E. ...E. ...E. ...E."},
    {"info", scripts::info, "$L|$Q|$H", "", ".E... .E..E .E... .E... .E..E .E..."},
};

// 'E', '.' or '!': the script failed after it had changed something, or with another error.
static char result_of(const Request &request, const Lock &lock, const std::string &key) {
  script_test::ask("FLUSHALL");
  script_test::send({"TIME"});
  script_test::started_us = script_test::ended_us = script_test::read_time();
  for (const std::string &command : script_test::split(lock.commands, " & "))
    script_test::ask(command);
  script_test::ask("DEL|" + key);
  script_test::ask("HSET|" + key + "|field|value");
  const std::string before = script_test::state();
  script_test::send_script(request.script, request.keys, request.arguments);
  const std::string reply = script_test::read_shown();
  if (reply == "error WRONGTYPE") return script_test::state() == before ? 'E' : '!';
  return reply.compare(0, 5, "error") == 0 ? '!' : '.';
}

static void nothing_is_half_done(void **) {
  const Outcome wrong = outcome_of([] {
    std::string all;
    for (const Request &request : kRequests) {
      std::string results;
      for (const Lock &lock : kLocks) {
        for (const char *key : kKeys) results += result_of(request, lock, key);
        results += ' ';
      }
      results.pop_back();
      if (results != request.expected) all += std::string(request.name) + ": " + results + "\n";
    }
    return all;
  });
  assert_returns(wrong, "");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_half_done),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
