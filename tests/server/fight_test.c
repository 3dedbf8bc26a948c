/*
 * Eight processes fight for one lock while the server forgets its scripts, its connections and its
 * data and the fighters are killed: nobody is stuck, never do two believe to hold, fences rise, and
 * nothing stays behind. What FLUSHALL takes from a holder is counted apart: it is the loss of the
 * server's data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

enum { kSlots = 8, kRounds = 14, kPauseMs = 120, kMaxFlushes = 1000, kStuckMs = 15000 };

struct flush {
  int64_t before, after;
  int64_t fence; /* grants before it have smaller ones, since they are the server's time */
};

static redis_server_t *redis;
static struct arena *arena;
static struct flush flushes[kMaxFlushes];
static int flush_count, robbed, holders_killed, waiters_killed;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  arena = arena_new(redis->url);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  arena_free(arena);
  redis_stop(redis);
  return 0;
}

/* ---------------------------------------------------------------- what is done to them */

static bool is_holding(int slot) { return atomic_load(&arena->slots[slot].open) != 0; }

static bool somebody_holds(void *unused) {
  (void)unused;
  for (int i = 0; i < kSlots; ++i)
    if (is_holding(i)) return true;
  return false;
}

static void flush_all(void) {
  assert_true(eventually(somebody_holds, NULL, kStuckMs));
  struct flush *flush = &flushes[flush_count++];
  flush->before = arena_now();
  flush->fence = redis_integer(redis, "EVAL %s 0",
                               "redis.call('FLUSHALL')\n"
                               "local now = redis.call('TIME')\n"
                               "return now[1] * 1000000 + now[2]");
  flush->after = arena_now();
}

static bool kills(bool holder) {
  for (int i = 0; i < kSlots; ++i) {
    const int slot = (i + flush_count + holders_killed + waiters_killed) % kSlots;
    if (is_holding(slot) != holder) continue;
    if (!holder && atomic_load(&arena->slots[slot].since) == 0) continue;
    arena_kill(arena, slot);
    arena_spawn(arena, slot);
    return true;
  }
  return false;
}

static bool holder_killed(void *unused) {
  (void)unused;
  return kills(true);
}

static bool waiter_killed(void *unused) {
  (void)unused;
  return kills(false);
}

static void disturb(void) {
  pass_ms(kPauseMs);
  redis_do(redis, "SCRIPT FLUSH");
  pass_ms(kPauseMs);
  redis_do(redis, "CLIENT KILL TYPE pubsub");
  pass_ms(kPauseMs);
  redis_do(redis, "CLIENT KILL TYPE normal");
  pass_ms(kPauseMs);
  flush_all();
  pass_ms(kPauseMs);
  assert_true(eventually(waiter_killed, NULL, kStuckMs));
  ++waiters_killed;
  pass_ms(kPauseMs);
  assert_true(eventually(holder_killed, NULL, kStuckMs));
  ++holders_killed;
}

/* ---------------------------------------------------------------- what must hold */

struct progress {
  int before[kSlots];
};

static bool everybody_had_it(void *argument) {
  const struct progress *progress = argument;
  for (int i = 0; i < kSlots; ++i)
    if (atomic_load(&arena->slots[i].grants) < progress->before[i] + 3) return false;
  return true;
}

static void expect_everybody_gets_it(void) {
  struct progress progress;
  for (int i = 0; i < kSlots; ++i) progress.before[i] = atomic_load(&arena->slots[i].grants);
  assert_true(eventually(everybody_had_it, &progress, 15000));
}

static int by_fence(const void *left, const void *right) {
  const int64_t a = ((const struct hold *)left)->fence, b = ((const struct hold *)right)->fence;
  return (a > b) - (a < b);
}

/* The flush that took this hold away while it was believed, or null. */
static const struct flush *flushed(const struct hold *hold) {
  for (int i = 0; i < flush_count; ++i)
    if (hold->fence <= flushes[i].fence && hold->until >= flushes[i].before) return &flushes[i];
  return NULL;
}

static void check_holds(void) {
  const int count = atomic_load(&arena->holds);
  qsort(arena->hold, (size_t)count, sizeof *arena->hold, by_fence);
  const struct hold *last = NULL; /* that nobody took away */
  int64_t fence = 0;
  for (int i = 0; i < count; ++i) {
    const struct hold *hold = &arena->hold[i];
    if (hold->until == 0) continue; /* killed before it was told */
    assert_true(hold->until >= hold->from);
    assert_true(hold->fence > fence);
    fence = hold->fence;
    if (last != NULL && hold->from <= last->until)
      fail_msg("slot %d from %lld while slot %d until %lld", hold->slot, (long long)hold->from,
               last->slot, (long long)last->until);
    const struct flush *flush = flushed(hold);
    if (flush == NULL) {
      last = hold;
      continue;
    }
    ++robbed;
    if (hold->checked > flush->after) assert_int_not_equal(hold->check, REDILOCK_OK);
  }
}

static void check_ends(void) {
  int64_t longest = 0;
  int grants = 0;
  for (int i = 0; i < kSlots; ++i) {
    const struct slot *slot = &arena->slots[i];
    grants += slot->grants;
    if (slot->longest > longest) longest = slot->longest;
    for (int status = 1; status < 32; ++status)
      if (slot->failures[status] != 0)
        fail_msg("slot %d: %d times %s", i, slot->failures[status], redilock_status_name(-status));
  }
  print_message(
      "%d grants, longest wait %lld ms, %d holders and %d waiters killed, %d flushes, "
      "%d holds taken away by them\n",
      grants, (long long)longest / 1000, holders_killed, waiters_killed, flush_count, robbed);
  assert_true(grants > 100);
  assert_in_range(longest, 0, soon_ms((int64_t)kStuckMs * 1000));
}

static bool keys_are_gone(void *unused) {
  (void)unused;
  return redis_integer(redis, "EXISTS lock redilock:1:{A@NL}:queue:lock") == 0;
}

static int rounds(void) {
  const char *text = getenv("REDILOCK_TEST_ROUNDS");
  return text == NULL ? kRounds : atoi(text);
}

static void nobody_is_stuck_and_never_two_hold(void **state) {
  (void)state;
  for (int i = 0; i < kSlots; ++i) arena_spawn(arena, i);
  for (int i = rounds(); i > 0; --i) disturb();
  expect_everybody_gets_it();
  assert_true(arena_end(arena, kSlots));
  assert_true(eventually(keys_are_gone, NULL, 2000));
  check_holds();
  check_ends();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_stuck_and_never_two_hold),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
