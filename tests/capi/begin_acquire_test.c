/* redilock_op_begin_acquire: a free lock at once, a held one by a completion, in its place. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/async.h"
#include "support/one_client.h"
#include "support/side_keys.h"

enum { kRaces = 1000 };

static int make_client(void **state) {
  (void)state;
  redis_do(server, "SCRIPT FLUSH");
  return make_client_with("timeout=2s");
}

static void expect_next(uint64_t tag, int32_t status) {
  expect_completion(client, tag, REDILOCK_COMPLETION_ACQUIRE, status);
}

/* The operation; `*lock` is NULL where it is under way. */
static redilock_op_t *begin(const char *option, uint64_t tag, redilock_lock_t **lock) {
  redilock_op_t *op = new_op(client, "job");
  if (option != NULL) {
    char name[64];
    const size_t length = strcspn(option, "=");
    memcpy(name, option, length);
    name[length] = '\0';
    assert_status(REDILOCK_OK, redilock_op_set(op, name, option + length + 1));
  }
  assert_status(REDILOCK_OK, redilock_op_begin_acquire(op, tag, lock));
  return op;
}

static int64_t scripts_run(void) {
  redisReply *stats = redis_command(server, "INFO commandstats");
  const char *found = strstr(stats->str, "cmdstat_evalsha:calls=");
  const int64_t calls = found == NULL ? 0 : atoll(found + strlen("cmdstat_evalsha:calls="));
  freeReplyObject(stats);
  return calls;
}

/* Has the wake channel subscribed. */
static void wait_once(void) {
  redilock_lock_t *lock = take(client, "other", 20000), *none = NULL;
  redilock_op_t *op = new_op(client, "other");
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "1ms"));
  assert_status(REDILOCK_E_TIMEOUT, redilock_op_acquire(op, &none));
  redilock_op_free(op);
  give(lock);
}

static void free_lock_is_had_at_once_and_renewed(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_op_t *op = begin("renew=yes", 1, &lock);
  assert_non_null(lock);
  assert_true(redilock_lock_is_held(lock));
  expect_no_completion(client);
  assert_status(REDILOCK_OK, redilock_op_status(op));
  give(lock);
  wait_once();
  assert_status(REDILOCK_OK, redilock_op_begin_acquire(op, 2, &lock)); /* by the queue's script */
  assert_non_null(lock);
  expect_no_completion(client);
  give(lock);
  redilock_op_free(op);
}

static void held_lock_comes_by_a_completion_after_one_request(void **state) {
  (void)state;
  wait_once();
  redilock_lock_t *held = take(client, "job", 20000), *lock = NULL, *other = NULL;
  redis_do(server, "CONFIG RESETSTAT");
  redilock_op_t *op = begin(NULL, 1, &lock);
  assert_null(lock);
  assert_int_equal(scripts_run(), 1);
  assert_int_equal(redilock_op_position(op), 1);
  assert_int_equal(waiters_of(client, "job"), 1);
  assert_status(REDILOCK_E_INVALID, redilock_op_begin_acquire(op, 2, &other)); /* it is busy */
  expect_no_completion(client);
  give(held);
  expect_next(1, REDILOCK_OK);
  give(lock_of(op));
  redilock_op_free(op);
}

static void held_lock_comes_by_a_completion_where_nothing_was_subscribed(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "job", 20000), *lock = NULL;
  redilock_op_t *first = begin(NULL, 1, &lock);
  assert_null(lock);
  assert_true(wait_for_waiters(client, "job", 1));
  redilock_op_t *second = begin("wait=20s", 2, &lock);
  assert_null(lock);
  assert_true(wait_for_waiters(client, "job", 2));
  give(held);
  expect_next(1, REDILOCK_OK);
  expect_no_completion(client);
  give(lock_of(first));
  expect_next(2, REDILOCK_OK);
  give(lock_of(second));
  redilock_op_free(first);
  redilock_op_free(second);
}

static void try_of_a_held_lock_says_so_and_a_wait_times_out(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "job", 20000), *lock = NULL;
  redilock_op_t *op = new_op(client, "job");
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  assert_status(REDILOCK_E_HELD, redilock_op_begin_acquire(op, 1, &lock));
  assert_non_null(strstr(message_of(op), "lock \"job\": held by"));
  expect_no_completion(client);
  redilock_op_free(op);
  op = begin("wait=50ms", 2, &lock);
  expect_next(2, REDILOCK_E_TIMEOUT);
  assert_int_equal(waiters_of(client, "job"), 0);
  redilock_op_free(op);
  give(held);
}

static void cancelled_and_freed_waiters_leave_the_queue(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "job", 20000), *lock = NULL;
  for (int subscribed = 0; subscribed < 2; ++subscribed) {
    redilock_op_t *cancelled = begin(NULL, 1, &lock), *freed = begin(NULL, 2, &lock);
    assert_true(wait_for_waiters(client, "job", 2));
    redilock_op_cancel(cancelled);
    expect_next(1, REDILOCK_E_CANCELLED);
    redilock_op_free(freed);
    assert_true(wait_for_waiters(client, "job", 0));
    redilock_op_free(cancelled);
  }
  give(held);
}

/* The descriptor of a closed client is always readable, so this looks again until it comes. */
static bool is_closed_completion(void *unused) {
  (void)unused;
  uint64_t tag = 0;
  int32_t kind = 0, status = 0;
  assert_status(REDILOCK_OK, redilock_client_next(client, &tag, &kind, &status));
  if (kind == 0) return false;
  assert_int_equal(kind, REDILOCK_COMPLETION_ACQUIRE);
  assert_status(REDILOCK_E_CLOSED, status);
  return true;
}

static void closed_client_ends_what_was_begun(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "job", 20000), *lock = NULL;
  redilock_op_t *op = begin(NULL, 1, &lock);
  redilock_client_close(client);
  assert_true(eventually(is_closed_completion, NULL, 5000));
  assert_status(REDILOCK_E_CLOSED, redilock_op_begin_acquire(op, 2, &lock));
  redilock_op_free(op);
  redilock_lock_free(held);
  assert_int_equal(redis_integer(server, "ZCARD %s", queue_of("job")), 0);
  redis_do(server, "DEL job");
}

static void on_signal(int number) { (void)number; }

static void *send_signals(void *thread) {
  for (int i = 0; i < 100; ++i) {
    usleep(5000);
    if (pthread_kill(*(pthread_t *)thread, SIGUSR1) != 0) break;
  }
  return NULL;
}

/* At once, or by the completion where the server may have a place to give up. */
static void signal_breaks_off_the_first_request(void **state) {
  (void)state;
  struct sigaction handler, before;
  memset(&handler, 0, sizeof handler);
  handler.sa_handler = on_signal;
  assert_int_equal(sigaction(SIGUSR1, &handler, &before), 0);
  for (uint64_t tag = 1; tag <= 2; ++tag) {
    redilock_lock_t *lock = NULL;
    give(take(client, "job", 20000)); /* so that there is a connection */
    redilock_op_t *op = new_op(client, "job");
    assert_status(REDILOCK_OK, redilock_op_set(op, "interruptible", "yes"));
    redis_pause(server);
    pthread_t self = pthread_self(), sender;
    assert_int_equal(pthread_create(&sender, NULL, send_signals, &self), 0);
    const int32_t status = redilock_op_begin_acquire(op, tag, &lock);
    redis_resume(server);
    pthread_join(sender, NULL);
    assert_null(lock);
    if (tag == 1)
      assert_status(REDILOCK_E_INTERRUPTED, status);
    else
      expect_next(tag, REDILOCK_E_INTERRUPTED);
    redilock_op_free(op);
    assert_true(wait_for_waiters(client, "job", 0));
    give(take(client, "job", 20000)); /* nothing was left behind */
    wait_once();
  }
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

static void *release(void *lock) {
  give(lock);
  return NULL;
}

/* The release comes before, while or after the acquire is handed over; none is lost or slow. */
static void grant_against_hand_over_comes_at_once(void **state) {
  (void)state;
  wait_once();
  int waited = 0;
  const int64_t before = now_ms();
  for (int i = 0; i < kRaces; ++i) {
    redilock_lock_t *held = take(client, "job", 20000), *lock = NULL;
    pthread_t releasing;
    assert_int_equal(pthread_create(&releasing, NULL, release, held), 0);
    redilock_op_t *op = begin(NULL, (uint64_t)i + 1, &lock);
    if (lock == NULL) {
      ++waited;
      expect_next((uint64_t)i + 1, REDILOCK_OK);
      lock = lock_of(op);
    }
    pthread_join(releasing, NULL);
    give(lock);
    redilock_op_free(op);
  }
  assert_true(waited > 0);
  /* A missed grant is asked for after 2 s. */
  assert_in_range(now_ms() - before, 0, soon_ms(60000));
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(free_lock_is_had_at_once_and_renewed),
      CASE(held_lock_comes_by_a_completion_after_one_request),
      CASE(held_lock_comes_by_a_completion_where_nothing_was_subscribed),
      CASE(try_of_a_held_lock_says_so_and_a_wait_times_out),
      CASE(cancelled_and_freed_waiters_leave_the_queue),
      CASE(closed_client_ends_what_was_begun),
      CASE(signal_breaks_off_the_first_request),
      CASE(grant_against_hand_over_comes_at_once),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
