/*
 * What steps of the server's clock and lost or spoilt records leave behind, written by hand: fences
 * still rise, a record from the future counts as dead, and nobody waits for ever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

#define QUEUE "redilock:1:{A@NL}:queue:lock"
#define ALIVE "redilock:1:{}:alive"
#define FENCE "redilock:1:{A@NL}:fence"

static redis_server_t *redis;
static redilock_client_t *client;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  client = client_at(redis->url, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redilock_free(client);
  redis_stop(redis);
  return 0;
}

/* A hand-off instead of the free path, which draws its fence elsewhere. */
static int64_t handed_over(void) {
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 20000, 0), REDILOCK_OK);
  attempt_start(&waiter, client, "lock", 20000, 10000);
  assert_true(attempt_queued(&waiter));
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  const int64_t fence = waiter.fence;
  assert_true(fence > holder.fence);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&waiter);
  return fence;
}

static void lost_or_spoilt_fences_still_rise(void **state) {
  (void)state;
  const char *const spoilt[] = {"",
                                "text",
                                "-5",
                                "nan",
                                "-inf",
                                "inf",
                                "1e3",
                                "0x10",
                                "1e300",
                                "9007199254740991",
                                "9223372036854775807"};
  int64_t last = handed_over();
  for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; ++i) {
    redis_do(redis, "SET " FENCE " %s", spoilt[i]);
    const int64_t free_path = attempt_and_release(client, "lock");
    assert_true(free_path > last);
    redis_do(redis, "SET " FENCE " %s", spoilt[i]);
    last = handed_over();
    assert_true(last > free_path);
  }
  redis_do(redis, "DEL " FENCE);
  assert_true(attempt_and_release(client, "lock") > last);
}

/* The clock was stepped back by an hour: the counter is ahead of it and goes on from there. */
static void fence_ahead_of_the_clock_goes_on(void **state) {
  (void)state;
  const int64_t ahead = attempt_and_release(client, "lock") + INT64_C(3600000000);
  redis_do(redis, "SET " FENCE " %lld", (long long)ahead);
  assert_int_equal(attempt_and_release(client, "lock"), ahead + 1);
  assert_true(handed_over() > ahead + 1);
  /* A connection that saw these fences takes no lower ones. */
  redis_do(redis, "DEL " FENCE);
  redilock_free(client);
  client = client_at(redis->url, NULL);
}

static void write_records(int64_t ahead_ms) {
  redis_do(
      redis, "EVAL %s 1 " ALIVE " %lld",
      "local now = redis.call('TIME')\n"
      "for _, channel in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
      "  redis.call('ZADD', KEYS[1],\n"
      "    string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[1]), channel)\n"
      "end",
      (long long)ahead_ms);
}

/* A release passes a waiter with such a record; the waiter finds the lock free by its next re-check. */
static void record_counts_as_dead(int64_t ahead_ms) {
  redis_do(redis, "FLUSHALL");
  redilock_client_t *other = client_at(redis->url, NULL);
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 20000, 0), REDILOCK_OK);
  attempt_start(&waiter, other, "lock", 20000, 10000);
  assert_true(attempt_queued(&waiter));
  write_records(ahead_ms);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(redis, "EXISTS lock " QUEUE), 0); /* passed, and dropped */
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_true(waiter.fence > holder.fence);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(other);
}

static void records_from_the_future_or_the_past_are_dead(void **state) {
  (void)state;
  record_counts_as_dead(61000);
  record_counts_as_dead(3600000);
  record_counts_as_dead(-1);
}

static void fresh_record_is_alive(void **state) {
  (void)state;
  redilock_client_t *other = client_at(redis->url, NULL);
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 20000, 0), REDILOCK_OK);
  attempt_start(&waiter, other, "lock", 20000, 10000);
  assert_true(attempt_queued(&waiter));
  write_records(59000);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(redis, "EXISTS lock"), 1); /* handed on at once */
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(other);
}

/* The server's clock steps forward: the lease ends there while the local clock still counts. */
static void lease_that_ends_early_is_found_by_renewal(void **state) {
  (void)state;
  redilock_client_t *renewing = client_at(redis->url, "renew=yes");
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, renewing, "lock", 1500, 0), REDILOCK_OK);
  attempt_start(&waiter, client, "lock", 20000, 10000);
  assert_true(attempt_queued(&waiter));
  const int64_t stepped = now_ms();
  redis_do(redis, "PEXPIRE lock 1");
  while (redilock_lock_is_held(holder.lock) && now_ms() - stepped < 5000) pass_ms(1);
  assert_in_range(now_ms() - stepped, 0, soon_ms(800)); /* a third of the ttl, not all of it */
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_in_range(waiter.ended - stepped, 0, soon_ms(2500));
  assert_true(waiter.fence > holder.fence);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(renewing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lost_or_spoilt_fences_still_rise),
      cmocka_unit_test(fence_ahead_of_the_clock_goes_on),
      cmocka_unit_test(records_from_the_future_or_the_past_are_dead),
      cmocka_unit_test(fresh_record_is_alive),
      cmocka_unit_test(lease_that_ends_early_is_found_by_renewal),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
