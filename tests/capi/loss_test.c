/* The loss of a lock: completions of redilock_lock_watch, threads that wait for it, and grants that
 * nobody takes. Handles that are dropped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/one_client.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=2s");
}

/* ---------------------------------------------------------------- watch */

static void any_lock_can_be_watched_once(void **state) {
  (void)state;
  redilock_lock_t *blocking = take_with_options(client, "a", "ttl=3s&renew=yes");
  redilock_lock_t *plain = take(client, "b", 300);
  assert_status(REDILOCK_OK, redilock_lock_watch(blocking, 1));
  assert_status(REDILOCK_E_INVALID, redilock_lock_watch(blocking, 2));
  assert_status(REDILOCK_OK, redilock_lock_watch(plain, 3));
  expect_completion(client, 3, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_int_equal(redilock_lock_is_held(plain), 0);
  redis_do(server, "DEL a");
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  expect_no_completion(client);
  redilock_lock_free(blocking);
  redilock_lock_free(plain);
}

static void loss_before_the_watch_is_reported_at_once(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 60000);
  redis_do(server, "DEL a");
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 60000));
  assert_status(REDILOCK_OK, redilock_lock_watch(lock, 4));
  expect_completion(client, 4, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  redilock_lock_free(lock);
}

/* Its lease would end in a minute: the extension that fails is what the watch hears of. */
static void loss_that_a_call_finds_is_reported(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 60000);
  assert_status(REDILOCK_OK, redilock_lock_watch(lock, 5));
  redis_do(server, "DEL a");
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 60000));
  expect_completion(client, 5, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  redilock_lock_free(lock);
}

static void released_and_freed_locks_are_not_lost(void **state) {
  (void)state;
  redilock_lock_t *released = take(client, "a", 60000), *freed = take(client, "b", 60000),
                  *witness = take(client, "c", 300);
  assert_status(REDILOCK_OK, redilock_lock_watch(released, 1));
  assert_status(REDILOCK_OK, redilock_lock_watch(freed, 2));
  assert_status(REDILOCK_OK, redilock_release(released));
  redilock_lock_free(freed);
  assert_status(REDILOCK_OK, redilock_lock_watch(witness, 3));
  expect_completion(client, 3, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  expect_no_completion(client);
  redilock_lock_free(released);
  redilock_lock_free(witness);
}

/* ---------------------------------------------------------------- wait */

struct waiting {
  redilock_lock_t *lock;
  int32_t status;
  pthread_t thread;
};

static void *wait_for_loss(void *argument) {
  struct waiting *waiting = argument;
  waiting->status = redilock_lock_wait_lost(waiting->lock, REDILOCK_WAIT_FOREVER);
  return NULL;
}

static void start_waiting(struct waiting *waiting, redilock_lock_t *lock) {
  waiting->lock = lock;
  assert_int_equal(pthread_create(&waiting->thread, NULL, wait_for_loss, waiting), 0);
}

static int32_t end_of_wait(struct waiting *waiting) {
  pthread_join(waiting->thread, NULL);
  return waiting->status;
}

static void threads_can_wait_for_the_loss(void **state) {
  (void)state;
  struct waiting lost[2], released;
  redilock_lock_t *a = take_with_options(client, "a", "ttl=3s&renew=yes"),
                  *b = take(client, "b", 60000);
  for (int i = 0; i < 2; ++i) start_waiting(&lost[i], a);
  start_waiting(&released, b);
  assert_status(REDILOCK_E_TIMEOUT, redilock_lock_wait_lost(a, 0));
  assert_status(REDILOCK_E_TIMEOUT, redilock_lock_wait_lost(b, 20));
  redis_do(server, "DEL a");
  for (int i = 0; i < 2; ++i) assert_status(REDILOCK_E_LOST, end_of_wait(&lost[i]));
  assert_status(REDILOCK_E_LOST, redilock_lock_wait_lost(a, 0));
  assert_status(REDILOCK_OK, redilock_release(b));
  assert_status(REDILOCK_E_NOT_OWNER, end_of_wait(&released));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_lock_wait_lost(b, REDILOCK_WAIT_FOREVER));
  redilock_lock_free(a);
  redilock_lock_free(b);
}

static void wait_ends_when_the_lease_does(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 300);
  assert_status(REDILOCK_E_LOST, redilock_lock_wait_lost(lock, INT64_MAX));
  assert_int_equal(redilock_lock_is_held(lock), 0);
  redilock_lock_free(lock);
}

static void wait_ends_with_the_client(void **state) {
  (void)state;
  redilock_client_t *closing = new_client(server, NULL);
  redilock_lock_t *lock = take(closing, "a", 60000);
  struct waiting waiting;
  start_waiting(&waiting, lock);
  redilock_client_close(closing);
  assert_status(REDILOCK_E_CLOSED, end_of_wait(&waiting));
  redilock_lock_free(lock);
  redilock_free(closing);
}

/* ---------------------------------------------------------------- nobody takes it */

/* The program forgot about it: nothing may renew it for ever. */
static void grant_that_is_not_taken_is_not_renewed(void **state) {
  (void)state;
  for (int taken = 0; taken < 2; ++taken) {
    redilock_op_t *op = submit(client, "a", "ttl=500ms&renew=yes", 1);
    assert_true(has_completions(client, 10000));
    if (taken) expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
    redilock_lock_t *next = NULL;
    redilock_op_t *other = new_op(client, "a");
    set_options(other, "wait=20s&ttl=10s");
    assert_status(REDILOCK_OK, redilock_op_acquire(other, &next));
    give(next);
    redilock_op_free(other);
    if (!taken) expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
    redilock_lock_t *late = lock_of(op);
    assert_int_equal(redilock_lock_is_held(late), 0);
    redilock_lock_free(late);
    redilock_op_free(op);
  }
}

static void renewal_begins_when_it_is_taken(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "a", "ttl=3s&renew=yes", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op);
  for (int i = 0; i < 2; ++i) assert_true(redis_sees_renewal(server, "a"));
  give(lock);
  redilock_op_free(op);
}

/* ---------------------------------------------------------------- drop */

static void dropped_lock_is_released_in_the_background(void **state) {
  (void)state;
  redilock_lock_t *lock = take_with_options(client, "a", "ttl=60s&renew=yes");
  waiter_t *waiter = start_waiter(client, "a", "wait=20s");
  redilock_lock_drop(lock);
  redilock_lock_drop(NULL);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  lock = take(client, "b", 60000);
  assert_status(REDILOCK_OK, redilock_release(lock));
  redilock_lock_t *next = take(client, "b", 60000);
  redilock_lock_drop(lock); /* it does not hold it any more */
  redilock_lock_drop(take(client, "c", 60000));
  assert_true(eventually(is_free, "c", 10000));
  assert_int_equal(redis_integer(server, "EXISTS b"), 1);
  give(next);
}

/* A finaliser may run late, and must not block. */
static void drop_does_not_wait_for_a_server_that_hangs(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 60000);
  redis_pause(server);
  const int64_t began = now_ms();
  redilock_lock_drop(lock);
  const int64_t took = now_ms() - began;
  redis_resume(server);
  assert_in_range(took, 0, soon_ms(1000)); /* the timeout is 2 s */
  assert_true(eventually(is_free, "a", 10000));
}

/* ---------------------------------------------------------------- attach */

static redilock_op_t *attaching(redilock_client_t *by, const char *token, size_t length) {
  redilock_op_t *op = new_op(by, "a");
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "token", token, length));
  set_options(op, "ttl=3s&renew=yes");
  return op;
}

/* As in another process: it knows the name and the token. */
static void token_is_enough_to_take_a_lock_over(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *granted = take(client, "a", 60000), *taken = NULL, *none = NULL;
  size_t length = 0;
  const char *token = redilock_lock_token(granted, &length);
  redilock_op_t *op = attaching(other, token, length);
  redilock_op_t *stranger = attaching(other, "redilock:0123456789abcdef0123456789abcdef:x", 43);
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_attach(stranger, &none));
  assert_status(REDILOCK_OK, redilock_op_attach(op, &taken));
  redilock_lock_free(granted);
  assert_true(redilock_lock_remaining_ms(taken) > 0);
  assert_int_equal(redilock_lock_fence(taken), 0);
  assert_status(REDILOCK_OK, redilock_lock_watch(taken, 3));
  redis_do(server, "PEXPIRE a 1500"); /* it is renewed before that */
  assert_true(redis_sees_renewal(server, "a"));
  redis_do(server, "DEL a");
  expect_completion(other, 3, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_attach(op, &none));
  assert_null(none);
  redilock_lock_free(taken);
  redilock_op_free(op);
  redilock_op_free(stranger);
  redilock_free(other);
}

static void attached_lock_is_released(void **state) {
  (void)state;
  redilock_lock_t *granted = take(client, "a", 60000), *taken = NULL;
  size_t length = 0;
  const char *token = redilock_lock_token(granted, &length);
  redilock_op_t *op = attaching(client, token, length);
  assert_status(REDILOCK_OK, redilock_op_attach(op, &taken));
  redilock_lock_free(granted);
  waiter_t *waiter = start_waiter(client, "a", "wait=20s");
  give(taken);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  redilock_op_free(op);
}

/* ---------------------------------------------------------------- waiting for completions */

static void *submit_soon(void *unused) {
  (void)unused;
  return submit(client, "a", NULL, 9);
}

static void completion_can_be_waited_for(void **state) {
  (void)state;
  assert_status(REDILOCK_E_TIMEOUT, redilock_client_wait(client, 0));
  assert_status(REDILOCK_E_TIMEOUT, redilock_client_wait(client, 20));
  pthread_t thread;
  void *op = NULL;
  assert_int_equal(pthread_create(&thread, NULL, submit_soon, NULL), 0);
  assert_status(REDILOCK_OK, redilock_client_wait(client, REDILOCK_WAIT_FOREVER));
  pthread_join(thread, &op);
  expect_completion(client, 9, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_status(REDILOCK_E_TIMEOUT, redilock_client_wait(client, 0));
  redilock_op_free(op);
  redilock_client_close(client);
  assert_status(REDILOCK_E_CLOSED, redilock_client_wait(client, REDILOCK_WAIT_FOREVER));
}

/* The server does not answer, so the operation ends a while after the close. */
static void wait_after_a_close_ends_with_the_completion(void **state) {
  (void)state;
  redis_pause(server);
  void *op = submit(client, "a", NULL, 9);
  redilock_client_close(client);
  assert_status(REDILOCK_OK, redilock_client_wait(client, REDILOCK_WAIT_FOREVER));
  uint64_t tag = 0;
  int32_t kind = 0, status = 0;
  assert_status(REDILOCK_OK, redilock_client_next(client, &tag, &kind, &status));
  redis_resume(server);
  assert_int_equal(kind, REDILOCK_COMPLETION_ACQUIRE);
  assert_status(REDILOCK_E_CLOSED, status);
  assert_status(REDILOCK_E_CLOSED, redilock_client_wait(client, REDILOCK_WAIT_FOREVER));
  assert_status(REDILOCK_E_CLOSED, redilock_client_next(client, &tag, &kind, &status));
  redilock_op_free(op);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(any_lock_can_be_watched_once),
      CASE(loss_before_the_watch_is_reported_at_once),
      CASE(loss_that_a_call_finds_is_reported),
      CASE(released_and_freed_locks_are_not_lost),
      CASE(threads_can_wait_for_the_loss),
      CASE(wait_ends_when_the_lease_does),
      CASE(wait_ends_with_the_client),
      CASE(grant_that_is_not_taken_is_not_renewed),
      CASE(renewal_begins_when_it_is_taken),
      CASE(dropped_lock_is_released_in_the_background),
      CASE(drop_does_not_wait_for_a_server_that_hangs),
      CASE(token_is_enough_to_take_a_lock_over),
      CASE(attached_lock_is_released),
      CASE(completion_can_be_waited_for),
      CASE(wait_after_a_close_ends_with_the_completion),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
