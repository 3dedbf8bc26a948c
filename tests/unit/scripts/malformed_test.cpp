// Queue members that no client writes: the scripts drop them, and never fail half-way.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kAcquire = redilock::scripts::acquire;
static constexpr auto kRelease = redilock::scripts::release;

#define ID "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char *const kMalformed[] = {
    "x",
    "0 $c1 $B",
    "060000 $c1 $B",
    "-60000 $c1 $B",
    "6e4 $c1 $B",
    "123456789012 $c1 $B",
    "99999999999999999999 $c1 $B",
    "60000m $c1 $B",
    "60000s0 $c1 $B",
    "60000s01 $c1 $B",
    "60000s-1 $c1 $B",
    "60000s1234567890 $c1 $B",
    "60000s12345678901234567 $c1 $B",
    "60000  $c1 $B",
    "60000 elsewhere $B",
    "60000 redilock:2:{}:wake:1 $B",
    "60000 redilock:1:{}:wake: $B",
    "60000 redilock:1:{}:WAKE:1 $B",
    "60000 redilock:1:{@@E@}:wake:1 $B",
    "60000 redilock:1:{other}:wake:1 $B",
    "60000 $c1",
    "60000 $c1 other:" ID ":x",
    "60000 $c1 redilock:ab:x",
    "60000 $c1 redilock:b" ID ":x",
    "60000 $c1 redilock:g" ID ":x",
    "60000 $c1 redilock:" ID "x",
};

// Each with a client that is alive: its form alone makes the member dead.
#define LIVE "ZADD|$W|$+5000|$c1|$+6000|$c2"
#define C_WAITS "ZADD|$Q|$ago 3000|60000 $c2 $C"

static void check_each(std::string_view script, const std::string &before, const char *arguments,
                       const char *reply, const char *after, const char *pushed) {
  const Outcome wrong = outcome_of([&] {
    std::string all;
    for (const char *member : kMalformed) {
      std::string commands = before;
      script_test::replace(commands, "MALFORMED", member);
      all += script_test::check_one(script, kAllKeys,
                                    {member, commands.c_str(), arguments, reply, after, pushed});
    }
    return all;
  });
  assert_returns(wrong, "");
}

static void release_passes_over_it(void **) {
  check_each(kRelease, "SET|$L|$A & ZADD|$Q|5|MALFORMED & " C_WAITS " & " LIVE, "$A", "1",
             "lock C 60000; fence T; alive [c1 +5000 c2 +6000]", "c2: c T T");
}

static void acquire_passes_over_it(void **) {
  check_each(kAcquire, "ZADD|$Q|5|MALFORMED & " C_WAITS " & " LIVE, "$A|100000|1", "[60000 C]",
             "lock C 60000; fence T; alive [c1 +5000 c2 +6000]", "c2: c T T");
}

static void it_is_no_head_to_notify(void **) {
  check_each(kRelease, "SET|$L|$A & ZADD|$Q|4|9 $dead $D|5|MALFORMED & " C_WAITS " & " LIVE,
             "$D|9 $dead $D", "0", "lock A; queue [60000 c2 C old]; alive [c1 +5000 c2 +6000]",
             "c2: next c 0 T");
}

// After the first grant, an error would leave half a hand-off.
static void it_does_not_stop_a_batch(void **) {
  check_each(
      kRelease, "SET|$L|$A & ZADD|$Q|4|60000s $c2 $C|5|MALFORMED|6|60000 $c2 $D & " LIVE, "$A", "1",
      "lock redilock:shared 60000; queue [60000 c2 D 6]; fence T; alive [c1 +5000 c2 +6000]; "
      "holders [C +60000] 60000",
      "c2: c T T, c2: next d 60000 T");
}

static void the_longest_valid_members_are_granted(void **) {
#define IS_GRANTED(member) "SET|$L|$A & ZADD|$Q|5|" member " & " LIVE, "$A", "1"
#define AFTER "fence T; alive [c1 +5000 c2 +6000]"
  script_test::check(
      kRelease, kAllKeys,
      {{"ttl", IS_GRANTED("99999999999 $c1 $B"), "lock B 99999999999; " AFTER, "c1: b T T"},
       {"permits", IS_GRANTED("60000s999999999 $c1 $B"),
        "lock redilock:shared 60000; " AFTER "; holders [B +60000] 60000", "c1: b T T"},
       {"label with blanks", IS_GRANTED("60000 $c1 redilock:" ID ":host 17 x"),
        "lock redilock:b:host 17 x 60000; " AFTER, "c1: b T T"},
       {"no label", IS_GRANTED("60000 $c1 redilock:" ID ":"), "lock redilock:b: 60000; " AFTER,
        "c1: b T T"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(release_passes_over_it),
      cmocka_unit_test(acquire_passes_over_it),
      cmocka_unit_test(it_is_no_head_to_notify),
      cmocka_unit_test(it_does_not_stop_a_batch),
      cmocka_unit_test(the_longest_valid_members_are_granted),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
