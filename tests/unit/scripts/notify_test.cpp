// notify_head of _hand_off.lua: which waiter gets a "next" message, when, and with which time.
#include "script.hpp"

using script_test::kAllKeys;
static constexpr auto kAcquire = redilock::scripts::acquire;
static constexpr auto kRelease = redilock::scripts::release;
static constexpr auto kConvert = redilock::scripts::convert;
static constexpr auto kForceRelease = redilock::scripts::force_release;

#define HELD "SET|$L|$A|PX|100000"
#define LIVE2 "ZADD|$W|$+5000|$c2"
#define LIVE3 "ZADD|$W|$+6000|$c3"
#define ALIVE "alive [c2 +5000 c3 +6000]"
// C waits with this lease, and D behind it since so many ms.
#define TWO_WAIT(c_lease, d_age) \
  HELD " & ZADD|$Q|$ago 9000|" c_lease " $c2 $C|$ago " d_age "|60000 $c3 $D & " LIVE2 " & " LIVE3
#define GONE_TO_C(ttl, d_arrival) \
  "lock C " ttl "; queue [60000 c3 D " d_arrival "]; fence T; " ALIVE

// A young head re-checks by itself 2 s after its arrival. It gets a message only if the lease ends
// before that, and if it did not arrive within the last 100 ms, as in a fast fight.
static void after_a_hand_off(void **) {
  const std::vector<script_test::Case> cases = {
      {"older than 2 s", TWO_WAIT("60000", "2500"), "$A", "1", GONE_TO_C("60000", "old"),
       "c2: c T T, c3: next d 60000 T"},
      {"younger, a long lease", TWO_WAIT("60000", "1000"), "$A", "1", GONE_TO_C("60000", "old"),
       "c2: c T T"},
      {"younger, a lease that ends before its re-check", TWO_WAIT("1500", "200"), "$A", "1",
       GONE_TO_C("1500", "old"), "c2: c T T, c3: next d 1500 T"},
      {"younger, a lease that ends after its re-check", TWO_WAIT("1500", "700"), "$A", "1",
       GONE_TO_C("1500", "old"), "c2: c T T"},
      {"younger than 100 ms", TWO_WAIT("1500", "0"), "$A", "1", GONE_TO_C("1500", "T"),
       "c2: c T T"},
      {"ahead of the clock", TWO_WAIT("60000", "-9000"), "$A", "1", GONE_TO_C("60000", "ahead"),
       "c2: c T T, c3: next d 60000 T"}};
  script_test::check(kRelease, kAllKeys, cases);
  // The same by hand_off: the fast way of release.lua takes no channel of another tag.
  script_test::check(kRelease, "$L|$Q|$F|$V|$H", cases);
}

static void after_a_batch(void **) {
#define READERS_AND(d_age) \
  "ZADD|$Q|$ago 9000|60000s $c2 $C|$ago " d_age "|60000 $c3 $D & " LIVE2 " & " LIVE3
#define SHARED_BY_C(d_arrival)                                                    \
  "lock redilock:shared 60000; queue [60000 c3 D " d_arrival "]; fence T; " ALIVE \
  "; holders [C +60000] 60000"
  script_test::check(
      kRelease, kAllKeys,
      {{"release, an old head", HELD " & " READERS_AND("2500"), "$A", "1", SHARED_BY_C("old"),
        "c2: c T T, c3: next d 60000 T"},
       {"release, a young head", HELD " & " READERS_AND("500"), "$A", "1", SHARED_BY_C("old"),
        "c2: c T T"},
       {"the last granted arrived lately",
        HELD " & ZADD|$Q|$ago 0|60000s $c2 $C|$ago -9000|60000 $c3 $D & " LIVE2 " & " LIVE3, "$A",
        "1", SHARED_BY_C("ahead"), "c2: c T T"}});
  script_test::check(
      kAcquire, kAllKeys,
      {{"a lease that ended", READERS_AND("2500"), "$A|100000|1", "[60000 redilock:shared]",
        SHARED_BY_C("old"), "c2: c T T, c3: next d 60000 T"}});
  script_test::check(kForceRelease, kAllKeys,
                     {{"break", HELD " & " READERS_AND("2500"), "", "1", SHARED_BY_C("old"),
                       "c2: c T T, c3: next d 60000 T"}});
  script_test::check(kConvert, kAllKeys,
                     {{"convert", HELD " & " READERS_AND("2500"), "$A|30000s|0", "[0 0]",
                       "lock redilock:shared 100000; queue [60000 c3 D old]; fence T; " ALIVE
                       "; holders [C +60000 A +100000] 100000",
                       "c2: c T T, c3: next d 100000 T"}});
}

static void the_head_leaves(void **) {
#define HEAD_AND(c_age) HELD " & ZADD|$Q|1|60000 $c1 $B|$ago " c_age "|60000 $c2 $C & " LIVE2
#define B_LEAVES "$B|60000 $c1 $B"
#define C_IS_HEAD(arrival) "lock A 100000; queue [60000 c2 C " arrival "]; alive [c2 +5000]"
  script_test::check(
      kRelease, kAllKeys,
      {{"the next is old", HEAD_AND("3000"), B_LEAVES, "0", C_IS_HEAD("old"),
        "c2: next c 100000 T"},
       {"the next is young", HEAD_AND("0"), B_LEAVES, "0", C_IS_HEAD("T"), "c2: next c 100000 T"},
       {"not the head", HEAD_AND("3000"), "$C|60000 $c2 $C", "0",
        "lock A 100000; queue [60000 c1 B 1]; alive [c2 +5000]"},
       {"shared, the next is young",
        "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A & ZADD|$Q|1|9 $c1 $B|$ago 0|60000 "
        "$c2 $C & " LIVE2,
        "$B|9 $c1 $B", "0",
        "lock redilock:shared 60000; queue [60000 c2 C T]; alive [c2 +5000]; holders [A +60000]",
        "c2: next c 60000 T"}});
}

static void dead_heads_are_dropped(void **) {
#define DEAD_THEN_C "ZADD|$Q|1|60000 $dead $B|$ago 0|60000 $c2 $C & " LIVE2
#define THREE_DEAD "ZADD|$Q|1|60000 $dead $B|2|x|3|60000 $c3 $D"
  script_test::check(
      kAcquire, kAllKeys,
      {{"by a re-check",
        HELD " & " DEAD_THEN_C " & ZADD|$Q|$ago -9000|9000 $c1 $D & ZADD|$W|$+6000|$c1",
        "$D|9000|1|$c1|1", "[100000 1 ahead T 0 0 1 1 A]",
        "lock A 100000; queue [60000 c2 C T 9000 c1 D ahead] 180000; alive [c2 +5000 c1 +6000]",
        "c2: next c 100000 T"},
       {"by a re-check of the next", HELD " & " DEAD_THEN_C, "$C|60000|1|$c2|1",
        "[100000 0 T T 0 0 1 1 A]",
        "lock A 100000; queue [60000 c2 C T] 180000; alive [c2 +5000]"}});
  script_test::check(
      kRelease, kAllKeys,
      {{"by a leaver", HELD " & ZADD|$Q|0|9 $c1 $B & " THREE_DEAD, "$B|9 $c1 $B", "0",
        "lock A 100000"},
       {"three at most", HELD " & ZADD|$Q|0|9 $c1 $B & " THREE_DEAD "|4|9 $dead $C", "$B|9 $c1 $B",
        "0", "lock A 100000; queue [9 dead C 4]"},
       {"a record without subscription",
        HELD " & ZADD|$Q|0|9 $c1 $B & ZADD|$Q|1|60000 $dead $D & "
             "ZADD|$W|$+5000|$dead",
        "$B|9 $c1 $B", "0", "lock A 100000; alive [dead +5000]"},
       {"a poller needs no message",
        HELD " & ZADD|$Q|0|9 $c1 $B & ZADD|$Q|1|60000 $poll $D & "
             "ZADD|$W|$+5000|$poll",
        "$B|9 $c1 $B", "0", "lock A 100000; queue [60000 poll D 1]; alive [poll +5000]"}});
}

static void shared_release_without_grant(void **) {
#define A_B_HOLD \
  "SET|$L|redilock:shared|PX|60000 & ZADD|$H|$+60000|$A|$+30000|$B & PEXPIRE|$H|60000"
#define WAITS(lease) " & ZADD|$Q|$ago 0|" lease " $c2 $C & " LIVE2
  script_test::check(
      kRelease, kAllKeys,
      {{"room is sooner", A_B_HOLD WAITS("60000"), "$A", "1",
        "lock redilock:shared 30000; queue [60000 c2 C T]; alive [c2 +5000]; holders [B +30000] "
        "30000",
        "c2: next c 30000 T"},
       {"room is not sooner", A_B_HOLD WAITS("60000"), "$B", "1",
        "lock redilock:shared 60000; queue [60000 c2 C T]; alive [c2 +5000]; holders [A +60000] "
        "60000"},
       {"a permit is free sooner", A_B_HOLD " & ZADD|$H|$+5000|$D" WAITS("60000s2"), "$A", "1",
        "lock redilock:shared 30000; queue [60000s2 c2 C T]; alive [c2 +5000]; holders [D +5000 B "
        "+30000] 30000",
        "c2: next c 5000 T"}});
}

static void time_of_the_message(void **) {
#define HEAD_LEAVES_TO(lease) " & ZADD|$Q|1|9 $c1 $B|2|" lease " $c2 $C & " LIVE2
#define QUEUE(lease) "queue [" lease " c2 C 2]; alive [c2 +5000]"
  script_test::check(
      kRelease, kAllKeys,
      {{"a holder for ever", "SET|$L|$A" HEAD_LEAVES_TO("60000"), "$B|9 $c1 $B", "0",
        "lock A; " QUEUE("60000"), "c2: next c 0 T"},
       {"a foreign holder", "SET|$L|x|PX|60000" HEAD_LEAVES_TO("60000"), "$B|9 $c1 $B", "0",
        "lock x 60000; " QUEUE("60000"), "c2: next c 0 T"},
       {"a short id is foreign", "SET|$L|redilock:ab:x|PX|60000" HEAD_LEAVES_TO("60000"),
        "$B|9 $c1 $B", "0", "lock redilock:ab:x 60000; " QUEUE("60000"), "c2: next c 0 T"},
       {"a rest", "SET|$L|redilock:rest|PX|60000" HEAD_LEAVES_TO("60000"), "$B|9 $c1 $B", "0",
        "lock redilock:rest 60000; " QUEUE("60000"), "c2: next c 60000 T"},
       {"a writer behind readers", A_B_HOLD HEAD_LEAVES_TO("60000"), "$D|9 $c1 $B", "0",
        "lock redilock:shared 60000; " QUEUE("60000") "; holders [B +30000 A +60000] 60000",
        "c2: next c 60000 T"},
       {"a permit behind readers", A_B_HOLD HEAD_LEAVES_TO("60000s2"), "$D|9 $c1 $B", "0",
        "lock redilock:shared 60000; " QUEUE("60000s2") "; holders [B +30000 A +60000] 60000",
        "c2: next c 30000 T"}});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(after_a_hand_off),
      cmocka_unit_test(after_a_batch),
      cmocka_unit_test(the_head_leaves),
      cmocka_unit_test(dead_heads_are_dropped),
      cmocka_unit_test(shared_release_without_grant),
      cmocka_unit_test(time_of_the_message),
  };
  return cmocka_run_group_tests(tests, script_test::start, script_test::stop);
}
