/* How submitted operations end in other ways than by themselves: freed, used again, cancelled early
 * or late, or lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/needs.h"
#include "support/one_client.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=2s");
}

static bool comes(void *unused) {
  (void)unused;
  return has_completions(client, 0);
}

/* ---------------------------------------------------------------- locks that nobody took */

static void lock_of_a_freed_operation_is_released(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "renew=yes", 1);
  assert_true(eventually(comes, NULL, 5000));
  redilock_op_free(op);
  assert_true(eventually(is_free, "job", 5000));
  expect_no_completion(client);
}

static void lock_that_was_not_taken_is_released(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "renew=yes", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_op_reset(op);
  assert_true(eventually(is_free, "job", 5000));
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 2));
  expect_completion(client, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_status(REDILOCK_OK, redilock_op_set(op, "name", "other"));
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 3));
  expect_completion(client, 3, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_true(eventually(is_free, "job", 5000));
  redilock_op_free(op);
  assert_true(eventually(is_free, "other", 5000));
  expect_no_completion(client);
}

static void operation_may_go_before_its_lock(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "ttl=300ms", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = watched_lock_of(op, 1);
  redilock_op_free(op);
  assert_int_equal(redilock_lock_is_held(lock), 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  expect_no_completion(client);
  redilock_lock_free(lock);
}

/* ---------------------------------------------------------------- cancels */

static void cancel_before_ends_the_next_request(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_op_t *op = new_op(client, "job");
  redilock_op_cancel(op);
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "forever"));
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 1));
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_CANCELLED);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_status(op));
  assert_int_equal(waiters_of(client, "job"), 0);
  give(lock);
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 2));
  expect_completion(client, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(op));
  redilock_op_free(op);
}

static void cancel_after_the_end_is_forgotten(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", NULL, 1);
  assert_true(eventually(comes, NULL, 5000));
  redilock_op_cancel(op);
  redilock_op_reset(op); /* not while it is under way */
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op);
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, lock, 2));
  redilock_op_cancel(op); /* a release takes none */
  expect_completion(client, 2, REDILOCK_COMPLETION_RELEASE, REDILOCK_OK);
  redilock_lock_free(lock);
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, 3));
  expect_completion(client, 3, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(op));
  redilock_op_free(op);
}

/* ---------------------------------------------------------------- by the token */

static void token_releases_and_extends(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *lock = take(other, "job", 20000);
  size_t len = 0;
  const char *token = redilock_lock_token(lock, &len);
  redilock_op_t *op = new_op(client, "job");
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "token", token, len));
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "90s"));
  assert_status(REDILOCK_OK, redilock_op_submit_extend(op, NULL, 1));
  expect_completion(client, 1, REDILOCK_COMPLETION_EXTEND, REDILOCK_OK);
  assert_in_range(redis_integer(server, "PTTL job"), 80000, 90000);
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_release(op, lock, 2)); /* another client's */
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, NULL, 2));
  expect_completion(client, 2, REDILOCK_COMPLETION_RELEASE, REDILOCK_OK);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, NULL, 3));
  expect_completion(client, 3, REDILOCK_COMPLETION_RELEASE, REDILOCK_E_NOT_OWNER);
  assert_status(REDILOCK_OK, redilock_op_submit_extend(op, NULL, 4));
  expect_completion(client, 4, REDILOCK_COMPLETION_EXTEND, REDILOCK_E_NOT_OWNER);
  redis_do(server, "SET job foreign");
  assert_status(REDILOCK_OK, redilock_op_set(op, "token", "foreign"));
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, NULL, 5));
  expect_completion(client, 5, REDILOCK_COMPLETION_RELEASE, REDILOCK_E_NOT_OWNER);
  assert_int_equal(redis_integer(server, "EXISTS job"), 1);
  redilock_op_free(op);
  redilock_lock_free(lock);
  redilock_free(other);
}

/* ---------------------------------------------------------------- refusals */

static bool waits_in_vain(void *waiting_client) {
  redilock_op_t *op = submit(waiting_client, "job", "wait=100ms", 1);
  const completion_t one = next_completion(waiting_client);
  redilock_op_free(op);
  return one.status == REDILOCK_E_TIMEOUT;
}

static void refused_subscription_is_told_and_forgotten_once_it_is_allowed(void **state) {
  (void)state;
  needs_users(server);
  redilock_lock_t *lock = take(client, "job", 60000);
  char user[128];
  snprintf(user, sizeof user, "ACL SETUSER worker reset on nopass ~* %s +@all -subscribe",
           all_channels(server));
  redis_do(server, user);
  redilock_client_t *worker = new_client(server, "username=worker&password=any");
  redilock_op_t *op = submit(worker, "job", "wait=20s", 1);
  expect_completion(worker, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_AUTH);
  redilock_op_free(op);
  redis_do(server, "ACL SETUSER worker +subscribe");
  assert_true(eventually(waits_in_vain, worker, 5000));
  redilock_free(worker);
  redis_do(server, "ACL DELUSER worker");
  give(lock);
}

/* ---------------------------------------------------------------- losses */

/* Runs out or was taken away: told soon, also where the server answers no more. */
static void loss_is_told_by_the_local_clock(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "ttl=1s&renew=yes", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = watched_lock_of(op, 1);
  redis_pause(server);
  const int64_t end = now_ms() + redilock_lock_remaining_ms(lock);
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  const int64_t late = now_ms() - end;
  redis_resume(server);
  assert_in_range(late + 5, 0, soon_ms(200)); /* or a renewal came through just before */
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void theft_is_told_by_the_next_renewal(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "ttl=3s&renew=yes", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = watched_lock_of(op, 1);
  const int64_t before = now_ms();
  redis_do(server, "DEL job");
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_in_range(now_ms() - before, 0, soon_ms(1200));
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void released_and_freed_locks_are_not_told_lost(void **state) {
  (void)state;
  redilock_op_t *ops[2];
  redilock_lock_t *locks[2];
  const char *names[] = {"released", "freed"};
  for (uint64_t i = 0; i < 2; ++i) {
    ops[i] = submit(client, names[i], "ttl=200ms", i);
    expect_completion(client, i, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
    locks[i] = watched_lock_of(ops[i], i);
  }
  assert_status(REDILOCK_OK, redilock_release(locks[0]));
  redilock_lock_free(locks[1]);
  assert_false(has_completions(client, 500));
  redilock_lock_free(locks[0]);
  for (int i = 0; i < 2; ++i) redilock_op_free(ops[i]);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(lock_of_a_freed_operation_is_released),
      CASE(lock_that_was_not_taken_is_released),
      CASE(operation_may_go_before_its_lock),
      CASE(cancel_before_ends_the_next_request),
      CASE(cancel_after_the_end_is_forgotten),
      CASE(token_releases_and_extends),
      CASE(refused_subscription_is_told_and_forgotten_once_it_is_allowed),
      CASE(loss_is_told_by_the_local_clock),
      CASE(theft_is_told_by_the_next_renewal),
      CASE(released_and_freed_locks_are_not_told_lost),
  };
  return cmocka_run_group_tests_name("capi/async_end", tests, start_server, stop_server);
}
