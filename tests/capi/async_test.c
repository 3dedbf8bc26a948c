/* "asynchronous operations" of redilock.h: one completion each, in order, cancelled, lost or freed. */
#include "support/async.h"

#include <stdlib.h>
#include <string.h>

#include "support/one_client.h"
#include "support/side_keys.h"

enum { kNames = 20, kWaiters = 2000, kRaces = 1000 };

static int make_client(void **state) {
  (void)state;
  redis_do(server, "SCRIPT FLUSH");
  return make_client_with("timeout=2s");
}

static void expect_next(uint64_t tag, int32_t kind, int32_t status) {
  expect_completion(client, tag, kind, status);
}

static void acquire_extend_and_release_complete_once(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", NULL, 7);
  expect_next(7, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op), *again = NULL;
  assert_status(REDILOCK_E_INVALID, redilock_op_take_lock(op, &again));
  assert_true(redilock_lock_fence(lock) > 0);
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "90s"));
  assert_status(REDILOCK_OK, redilock_op_submit_extend(op, lock, 8));
  expect_next(8, REDILOCK_COMPLETION_EXTEND, REDILOCK_OK);
  assert_in_range(redis_integer(server, "PTTL job"), 80000, 90000);
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, lock, 9));
  expect_next(9, REDILOCK_COMPLETION_RELEASE, REDILOCK_OK);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, lock, 10));
  expect_next(10, REDILOCK_COMPLETION_RELEASE, REDILOCK_E_NOT_OWNER);
  expect_no_completion(client);
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void operation_under_way_takes_no_other_request(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000), *other = NULL;
  redilock_op_t *op = submit(client, "job", NULL, 1);
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_acquire(op, 2));
  assert_status(REDILOCK_E_INVALID, redilock_op_acquire(op, &other));
  assert_status(REDILOCK_E_INVALID, redilock_op_set(op, "ttl", "1s"));
  give(lock);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  expect_no_completion(client);
  give(lock_of(op));
  redilock_op_free(op);
}

static void try_says_held_and_a_wait_times_out(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_op_t *op = submit(client, "job", "wait=0", 1),
                *waiting = submit(client, "job", "wait=50ms", 2);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_HELD);
  expect_next(2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_TIMEOUT);
  assert_int_equal(waiters_of(client, "job"), 0);
  give(lock);
  redilock_op_free(op);
  redilock_op_free(waiting);
}

static void blocking_and_submitted_waiters_share_one_order(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_op_t *first = submit(client, "job", NULL, 1);
  assert_true(wait_for_waiters(client, "job", 1));
  waiter_t *second = start_waiter(client, "job", "wait=20s");
  redilock_op_t *third = submit(client, "job", NULL, 3);
  assert_true(wait_for_waiters(client, "job", 3));
  give(lock);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_false(waiter_ended(second));
  give(lock_of(first));
  assert_status(REDILOCK_OK, join_waiter(second));
  expect_no_completion(client);
  free_waiter(second);
  expect_next(3, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(third));
  redilock_op_free(first);
  redilock_op_free(third);
}

static int64_t scripts_run(void) {
  redisReply *stats = redis_command(server, "INFO commandstats");
  const char *found = strstr(stats->str, "cmdstat_evalsha:calls=");
  const int64_t calls = found == NULL ? 0 : atoll(found + strlen("cmdstat_evalsha:calls="));
  freeReplyObject(stats);
  return calls;
}

static bool one_is_queued(void *unused) {
  (void)unused;
  return redis_integer(server, "ZCARD redilock:1:{@NB@}:queue:job") == 1;
}

static bool nobody_is_subscribed(void *unused) {
  (void)unused;
  redisReply *channels = redis_command(server, "PUBSUB CHANNELS redilock:1:*");
  const bool nobody = channels->elements == 0;
  freeReplyObject(channels);
  return nobody;
}

/* Who queued first and subscribed then would have to ask again. */
static void subscription_that_broke_while_nobody_waited_comes_before_the_queue(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", NULL, 1);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op);
  redis_do(server, "CLIENT KILL TYPE pubsub");
  assert_true(eventually(nobody_is_subscribed, NULL, 5000));
  redis_do(server, "CONFIG RESETSTAT");
  redilock_op_t *waiting = submit(client, "job", NULL, 2);
  assert_true(eventually(one_is_queued, NULL, 5000));
  assert_false(has_completions(client, 300));
  assert_int_equal(scripts_run(), 1);
  give(lock);
  expect_next(2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(waiting));
  redilock_op_free(op);
  redilock_op_free(waiting);
}

static void cancelled_and_freed_waiters_leave_the_queue(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_op_t *cancelled = submit(client, "job", NULL, 1),
                *freed = submit(client, "job", NULL, 2);
  assert_true(wait_for_waiters(client, "job", 2));
  redilock_op_cancel(cancelled);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_CANCELLED);
  assert_true(wait_for_waiters(client, "job", 1));
  redilock_op_free(freed);
  assert_true(wait_for_waiters(client, "job", 0));
  expect_no_completion(client);
  give(lock);
  redilock_op_free(cancelled);
}

static void cancel_against_grant_has_one_outcome(void **state) {
  (void)state;
  int granted = 0;
  for (int race = 0; race < kRaces; ++race) {
    redilock_lock_t *lock = take(client, "job", 20000);
    redilock_op_t *op = submit(client, "job", NULL, (uint64_t)race);
    if (race % 4 != 0) assert_true(wait_for_waiters(client, "job", 1));
    if (race % 2 == 0) redilock_op_cancel(op);
    give(lock);
    if (race % 2 != 0) redilock_op_cancel(op);
    const completion_t one = next_completion(client);
    assert_int_equal(one.tag, race);
    if (one.status == REDILOCK_OK) {
      ++granted;
      give(lock_of(op));
    } else {
      assert_status(REDILOCK_E_CANCELLED, one.status);
    }
    expect_no_completion(client);
    assert_int_equal(redis_integer(server, "EXISTS job"), 0);
    redilock_op_free(op);
  }
  print_message("%d of %d were granted\n", granted, kRaces);
  assert_int_equal(waiters_of(client, "job"), 0);
}

static void loss_is_told_once(void **state) {
  (void)state;
  redilock_op_t *op = new_op(client, "job");
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "300ms"));
  assert_status(REDILOCK_OK, redilock_op_set(op, "renew", "yes"));
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 5));
  expect_next(5, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = watched_lock_of(op, 5);
  assert_false(has_completions(client, 700)); /* it is renewed */
  redis_do(server, "DEL job");
  expect_next(5, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_int_equal(redilock_lock_is_held(lock), 0);
  assert_false(has_completions(client, 400));
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void waiters_outlive_the_server(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", NULL, 1);
  expect_next(1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_op_t *waiting = submit(client, "job", NULL, 2);
  assert_true(wait_for_waiters(client, "job", 1));
  redis_kill(server);
  redis_restart(server);
  expect_next(2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(waiting));
  redilock_lock_free(lock_of(op));
  redilock_op_free(op);
  redilock_op_free(waiting);
}

/* Each is released when it was granted; every name's fences rise, and its waiters come in their order. */
static void thousands_wait_on_one_thread(void **state) {
  (void)state;
  static redilock_op_t *ops[kWaiters];
  static redilock_lock_t *locks[kWaiters];
  uint64_t last[kNames] = {0};
  int64_t fences[kNames] = {0};
  char name[16];
  for (uint64_t i = 0; i < kWaiters; ++i) {
    snprintf(name, sizeof name, "job%d", (int)(i % kNames));
    ops[i] = submit(client, name, NULL, i);
  }
  for (int ended = 0; ended < 2 * kWaiters; ++ended) {
    const completion_t one = next_completion(client);
    assert_status(REDILOCK_OK, one.status);
    if (one.kind != REDILOCK_COMPLETION_ACQUIRE) continue;
    const size_t job = one.tag % kNames;
    redilock_lock_t *lock = locks[one.tag] = lock_of(ops[one.tag]);
    assert_true(redilock_lock_fence(lock) > fences[job]);
    assert_true(one.tag < kNames || one.tag == last[job] + kNames);
    fences[job] = redilock_lock_fence(lock);
    last[job] = one.tag;
    assert_status(REDILOCK_OK, redilock_op_submit_release(ops[one.tag], lock, one.tag));
  }
  expect_no_completion(client);
  for (size_t i = 0; i < kWaiters; ++i) {
    redilock_lock_free(locks[i]);
    redilock_op_free(ops[i]);
  }
}

static void closed_client_drops_what_is_under_way(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, "timeout=2s");
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_op_t *op = new_op(other, "job");
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 1));
  assert_true(wait_for_waiters(client, "job", 1));
  redilock_free(other);
  assert_true(eventually(nobody_is_subscribed, NULL, 5000));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_acquire(op, 2));
  redilock_op_free(op);
  give(lock);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
}

static void break_and_look_up_can_be_submitted(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 60000);
  redilock_op_t *op = new_op(client, "job");
  redilock_info_t *info = NULL;
  assert_status(REDILOCK_E_INVALID, redilock_op_take_info(op, &info));
  assert_status(REDILOCK_OK, redilock_op_submit_info(op, 1));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_break(op, 2)); /* it is busy */
  expect_next(1, REDILOCK_COMPLETION_INFO, REDILOCK_OK);
  for (int i = 0; i < 2; ++i) {
    assert_status(REDILOCK_OK, redilock_op_take_info(op, &info));
    assert_int_equal(redilock_info_state(info), REDILOCK_STATE_HELD);
    redilock_info_free(info);
  }
  assert_status(REDILOCK_OK, redilock_op_submit_break(op, 2));
  expect_next(2, REDILOCK_COMPLETION_BREAK, REDILOCK_OK);
  assert_status(REDILOCK_E_INVALID, redilock_op_take_info(op, &info));
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_OK, redilock_op_submit_break(op, 3));
  expect_next(3, REDILOCK_COMPLETION_BREAK, REDILOCK_E_NOT_OWNER);
  assert_non_null(strstr(message_of(op), "nobody holds it"));
  redis_do(server, "LPUSH job x");
  assert_status(REDILOCK_OK, redilock_op_submit_info(op, 4));
  expect_next(4, REDILOCK_COMPLETION_INFO, REDILOCK_OK); /* a key of another kind is foreign */
  redilock_lock_free(lock);
  redilock_op_free(op);
}

/* The server drops 100 dead waiters in a call, and grants the living one in the next. */
static void submitted_break_passes_many_dead_waiters(void **state) {
  (void)state;
  redis_do(server, "EVAL %s 1 %s",
           "for i = 1, 250 do redis.call('ZADD', KEYS[1], i, '9 dead ' .. i) end", queue_of("job"));
  redis_do(server, "SET job redilock:0123456789abcdef0123456789abcdef:holder PX 600000");
  waiter_t *waiter = start_waiter(client, "job", "wait=20s");
  redilock_op_t *op = new_op(client, "job");
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, redilock_op_submit_break(op, 1));
  expect_next(1, REDILOCK_COMPLETION_BREAK, REDILOCK_OK);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(1500)); /* by itself it asks after 2 s */
  free_waiter(waiter);
  redilock_op_free(op);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(acquire_extend_and_release_complete_once),
      CASE(operation_under_way_takes_no_other_request),
      CASE(try_says_held_and_a_wait_times_out),
      CASE(blocking_and_submitted_waiters_share_one_order),
      CASE(subscription_that_broke_while_nobody_waited_comes_before_the_queue),
      CASE(cancelled_and_freed_waiters_leave_the_queue),
      CASE(cancel_against_grant_has_one_outcome),
      CASE(loss_is_told_once),
      CASE(waiters_outlive_the_server),
      CASE(thousands_wait_on_one_thread),
      CASE(closed_client_drops_what_is_under_way),
      CASE(break_and_look_up_can_be_submitted),
      CASE(submitted_break_passes_many_dead_waiters),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
