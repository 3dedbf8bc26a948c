/* Waiting: the order of arrival, hand-off, tries that pass nobody, and plain clients on the same
 * name. */
#include <string.h>

#include "support/locks.h"
#include "support/one_server.h"

static redilock_client_t *client, *other;

static int make_clients(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = new_client(server, "interval=50ms");
  other = new_client(server, NULL);
  return 0;
}

static int drop_clients(void **state) {
  (void)state;
  redilock_free(client);
  redilock_free(other);
  return 0;
}

static int32_t try_job(redilock_client_t *by) {
  redilock_lock_t *lock = NULL;
  const int32_t status = redilock_acquire(by, "job", 3, 5000, 0, &lock, NULL, 0);
  redilock_lock_free(lock);
  return status;
}

static void waiters_are_granted_in_the_order_of_arrival(void **state) {
  (void)state;
  enum { kCount = 8 };
  waiter_t *waiters[kCount];
  redilock_lock_t *lock = take(client, "job", 20000);
  int64_t fence = redilock_lock_fence(lock);
  for (int i = 0; i < kCount; ++i) {
    waiters[i] = start_waiter(i % 3 == 0 ? client : other, "job", "wait=forever&ttl=20s");
    assert_int_equal(redilock_op_position(waiters[i]->op), i + 1);
    assert_true(wait_for_waiters(client, "job", i + 1));
  }
  give(lock);
  for (int i = 0; i < kCount; ++i) {
    assert_status(REDILOCK_OK, join_waiter(waiters[i]));
    for (int k = i + 1; k < kCount; ++k) assert_false(waiter_ended(waiters[k]));
    assert_true(redilock_lock_fence(waiters[i]->lock) > fence);
    fence = redilock_lock_fence(waiters[i]->lock);
    assert_in_range(redis_integer(server, "PTTL job"), 15000, 20000);
    assert_status(REDILOCK_OK, redilock_release(waiters[i]->lock));
  }
  for (int i = 0; i < kCount; ++i) free_waiter(waiters[i]);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
}

static void a_try_does_not_pass_a_living_waiter(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  redis_do(server, "DEL job"); /* free, with one who waits and does not know it yet */
  assert_status(REDILOCK_E_HELD, try_job(other));
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  assert_status(REDILOCK_OK, try_job(other));
  redilock_lock_free(lock);
}

static void a_waiter_gets_an_expired_lease_at_once(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 300);
  waiter_t *waiter = start_waiter(other, "job", "wait=forever&ttl=10s");
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 100, soon_ms(800));
  free_waiter(waiter);
  redilock_lock_free(lock);
}

static void a_break_hands_on_to_the_next(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(other, "job", "wait=forever");
  redilock_op_t *op = new_op(client, "job");
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, redilock_op_break(op));
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(1000));
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  assert_int_equal(redilock_lock_is_held(waiter->lock), 1);
  free_waiter(waiter);
  redilock_op_free(op);
  redilock_lock_free(lock);
}

static void two_waiters_of_one_client_get_a_grant_each(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *first = start_waiter(client, "job", "wait=forever");
  waiter_t *second = start_waiter(client, "job", "wait=forever");
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(first));
  assert_false(waiter_ended(second));
  assert_status(REDILOCK_OK, redilock_release(first->lock));
  assert_status(REDILOCK_OK, join_waiter(second));
  assert_true(redilock_lock_fence(second->lock) > redilock_lock_fence(first->lock));
  assert_string_not_equal(redilock_lock_token(first->lock, NULL),
                          redilock_lock_token(second->lock, NULL));
  free_waiter(first);
  free_waiter(second);
}

static void who_times_out_is_skipped(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *hasty = start_waiter(client, "job", "wait=200ms");
  waiter_t *patient = start_waiter(client, "job", "wait=forever");
  assert_int_equal(redilock_op_position(patient->op), 2);
  assert_status(REDILOCK_E_TIMEOUT, join_waiter(hasty));
  assert_int_equal(waiters_of(client, "job"), 1);
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(patient));
  free_waiter(hasty);
  free_waiter(patient);
}

/* ---------------------------------------------------------------- plain clients */

static void a_plain_holder_is_respected_and_waited_for(void **state) {
  (void)state;
  redis_do(server, "SET job mine NX PX 20000");
  assert_status(REDILOCK_E_HELD, try_job(client));
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  const int64_t before = now_ms();
  redis_do(server, "DEL job");
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(500)); /* its interval is 50 ms, a re-check 2 s */
  free_waiter(waiter);
}

static void a_plain_holder_that_expires_is_followed(void **state) {
  (void)state;
  redis_do(server, "SET job mine NX PX 300");
  waiter_t *waiter = start_waiter(client, "job", "wait=3s");
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
}

static void a_plain_client_is_kept_out(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redisReply *reply = redis_command(server, "SET job mine NX PX 1000");
  assert_int_equal(reply->type, REDIS_REPLY_NIL);
  freeReplyObject(reply);
  give(lock);
  redis_do(server, "SET job mine NX PX 1000");
  assert_int_equal(redis_integer(server, "DEL job"), 1);
}

static void a_key_that_never_expires_is_waited_for_until_the_end(void **state) {
  (void)state;
  redis_do(server, "SET job mine");
  waiter_t *waiter = start_waiter(client, "job", "wait=200ms");
  assert_status(REDILOCK_E_TIMEOUT, join_waiter(waiter));
  free_waiter(waiter);
  assert_int_equal(redis_integer(server, "EXISTS job"), 1);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_clients, drop_clients)
  const struct CMUnitTest tests[] = {
      CASE(waiters_are_granted_in_the_order_of_arrival),
      CASE(a_try_does_not_pass_a_living_waiter),
      CASE(a_waiter_gets_an_expired_lease_at_once),
      CASE(a_break_hands_on_to_the_next),
      CASE(two_waiters_of_one_client_get_a_grant_each),
      CASE(who_times_out_is_skipped),
      CASE(a_plain_holder_is_respected_and_waited_for),
      CASE(a_plain_holder_that_expires_is_followed),
      CASE(a_plain_client_is_kept_out),
      CASE(a_key_that_never_expires_is_waited_for_until_the_end),
  };
  return cmocka_run_group_tests_name("capi/queue", tests, start_server, stop_server);
}
