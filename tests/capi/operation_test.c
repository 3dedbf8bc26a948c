/* "operations" of redilock.h: options, cancelling, signals, positions and what is told of an end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/locks.h"
#include "support/one_server.h"

static redilock_client_t *client;
static redilock_op_t *op;

static int make_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = new_client(server, NULL);
  op = new_op(client, "job");
  return 0;
}

static int drop_client(void **state) {
  (void)state;
  redilock_op_free(op);
  redilock_free(client);
  return 0;
}

/* ---------------------------------------------------------------- options */

static void good_options_are_taken(void **state) {
  (void)state;
  static const char *const good[][2] = {
      {"wait", "forever"}, {"wait", "0"},          {"wait", "1h"},      {"ttl", "365d"},
      {"ttl", "1ms"},      {"renew", "yes"},       {"renew", "0"},      {"max_hold", "7d"},
      {"label", ""},       {"label", "a b/c:1"},   {"fence", "no"},     {"fence", "true"},
      {"token", "x"},      {"interruptible", "1"}, {"name", "another"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i)
    assert_status(REDILOCK_OK, redilock_op_set(op, good[i][0], good[i][1]));
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "ttl", REDILOCK_TTL_MAX));
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "wait", REDILOCK_WAIT_FOREVER));
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "wait", INT64_MIN));
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "renew", 1));
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "name", "a\0b", 3));
}

static void wrong_options_are_named_and_change_nothing(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {"ttl", "0"},      {"ttl", "-1s"},    {"wait", "366d"},       {"wait", "-1"},
      {"renew", "2"},    {"name", ""},      {"label", "\x7f"},      {"db", "1"},
      {"max_hold", "0"}, {"timeout", "1s"}, {"password", "CANARY"}, {"nonsense", "1"},
      {"", "1"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    if (redilock_op_set(op, wrong[i][0], wrong[i][1]) != REDILOCK_E_INVALID)
      fail_msg("%s=%s was accepted", wrong[i][0], wrong[i][1]);
    assert_non_null(strstr(message_of(op), wrong[i][0]));
    assert_null(strstr(message_of(op), "CANARY"));
  }
  assert_status(REDILOCK_E_INVALID, redilock_op_set_int(op, "ttl", 0));
  assert_status(REDILOCK_E_INVALID, redilock_op_set_int(op, "fence", -1));
  assert_status(REDILOCK_E_INVALID, redilock_op_set_int(op, "name", 1));
  assert_status(REDILOCK_E_INVALID, redilock_op_set_bytes(op, "label", "a\0b", 3));
  redilock_op_reset(op);
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  assert_in_range(redis_integer(server, "PTTL job"), 29000, 30000);
  assert_string_equal(message_of(op), "");
  give(lock);
}

/* Many callers do not look at what a set returns. */
static void failed_set_refuses_every_call_until_the_reset(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_info_t *info = NULL;
  assert_status(REDILOCK_E_INVALID, redilock_op_set(op, "ttl", "30"));
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  for (int i = 0; i < 2; ++i) {
    assert_status(REDILOCK_E_INVALID, redilock_op_acquire(op, &lock));
    assert_string_equal(message_of(op), "ttl: 30 has no unit; write 30s or 30ms");
  }
  assert_status(REDILOCK_E_INVALID, redilock_op_info(op, &info));
  assert_status(REDILOCK_E_INVALID, redilock_op_break(op));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_acquire(op, 1));
  assert_string_equal(message_of(op), "ttl: 30 has no unit; write 30s or 30ms");
  assert_int_equal(redis_integer(server, "DBSIZE"), 0);
  redilock_op_reset(op);
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  give(lock);
}

static void failed_set_refuses_a_client(void **state) {
  (void)state;
  char error[256];
  redilock_options_t *options = NULL;
  redilock_client_t *none = NULL;
  assert_status(REDILOCK_OK, redilock_options_new(&options));
  assert_status(REDILOCK_E_INVALID, redilock_options_set(options, "ttl", "30", NULL, 0));
  assert_status(REDILOCK_OK, redilock_options_set_int(options, "ttl", 30000, NULL, 0));
  assert_status(REDILOCK_E_INVALID, redilock_new(NULL, options, &none, error, sizeof error));
  assert_string_equal(error, "ttl: 30 has no unit; write 30s or 30ms");
  assert_null(none);
  redilock_options_free(options);
}

static void successful_set_leaves_the_last_outcome(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "job", 20000), *none = NULL;
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  assert_status(REDILOCK_E_HELD, redilock_op_acquire(op, &none));
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "1s"));
  assert_status(REDILOCK_E_HELD, redilock_op_status(op));
  assert_true(strlen(message_of(op)) > 0);
  give(held);
}

/* An option that a call does not read was set for nothing, or for another call. */
static void option_that_a_call_does_not_read_is_refused(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL, *none = NULL;
  redilock_info_t *info = NULL;
  assert_status(REDILOCK_OK, redilock_op_set(op, "token", "redilock:x"));
  assert_status(REDILOCK_E_INVALID, redilock_op_acquire(op, &none));
  assert_non_null(strstr(message_of(op), "token"));
  redilock_op_reset(op);
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "20s"));
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "1s"));
  assert_status(REDILOCK_E_INVALID, redilock_op_extend(op, lock));
  assert_status(REDILOCK_E_INVALID, redilock_op_info(op, &info));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_release(op, lock, 1));
  redilock_op_reset(op);
  assert_status(REDILOCK_OK, redilock_op_set(op, "name", "other"));
  assert_status(REDILOCK_E_INVALID, redilock_op_release(op, lock));
  assert_status(REDILOCK_OK, redilock_op_set(op, "name", "job"));
  assert_status(REDILOCK_OK, redilock_op_release(op, lock)); /* what was read before stays */
  redilock_lock_free(lock);
}

static void lock_of_another_client_is_refused(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *lock = take(other, "job", 20000);
  assert_status(REDILOCK_E_INVALID, redilock_op_release(op, lock));
  assert_status(REDILOCK_E_INVALID, redilock_op_extend(op, lock));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_release(op, lock, 1));
  assert_status(REDILOCK_E_INVALID, redilock_op_submit_extend(op, lock, 1));
  give(lock);
  redilock_free(other);
}

static void *second_call(void *busy) {
  redilock_info_t *info = NULL;
  const int32_t status = redilock_op_info(busy, &info);
  redilock_info_free(info);
  const int32_t set = redilock_op_set(busy, "wait", "0");
  redilock_op_reset(busy);
  return status == REDILOCK_E_INVALID && set == REDILOCK_E_INVALID ? busy : NULL;
}

static void second_call_of_a_busy_operation_is_refused(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  pthread_t thread;
  void *refused = NULL;
  assert_int_equal(pthread_create(&thread, NULL, second_call, waiter->op), 0);
  pthread_join(thread, &refused);
  assert_ptr_equal(refused, waiter->op);
  assert_null(second_call(NULL));
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
}

/* A cancel that was meant for the acquire comes when that has ended. */
static void late_cancel_ends_no_release(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  for (int i = 0; i < 10000; ++i) {
    assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
    redilock_op_cancel(op);
    if (i % 3 == 0) assert_status(REDILOCK_OK, redilock_op_extend(op, lock));
    if (i % 3 == 1) redilock_op_cancel(op);
    assert_status(REDILOCK_OK, redilock_op_release(op, lock));
    redilock_lock_free(lock);
  }
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_acquire(op, &lock));
}

/* -1 of a narrow integer becomes 4 GiB or more on its way to size_t. */
static void enormous_lengths_are_refused(void **state) {
  (void)state;
  static const size_t enormous[] = {UINT16_MAX + (size_t)2, UINT32_MAX, INT32_MAX, SIZE_MAX,
                                    SIZE_MAX / 2};
  char error[64];
  redilock_lock_t *lock = NULL;
  redilock_list_t *list = NULL;
  redilock_info_t *info = NULL;
  redilock_options_t *options = NULL;
  assert_status(REDILOCK_OK, redilock_op_info(op, &info));
  for (size_t i = 0; i < sizeof enormous / sizeof *enormous; ++i) {
    const size_t length = enormous[i];
    assert_status(REDILOCK_E_INVALID,
                  redilock_acquire(client, "n", length, 1000, 0, &lock, error, sizeof error));
    assert_status(REDILOCK_E_INVALID,
                  redilock_release_token(client, "n", length, "t", 1, error, sizeof error));
    assert_status(REDILOCK_E_INVALID, redilock_release_token(client, "n", 1, "t", length, NULL, 0));
    assert_status(REDILOCK_E_INVALID, redilock_op_set_bytes(op, "name", "n", length));
    assert_status(REDILOCK_E_INVALID, redilock_op_set_bytes(op, "token", "n", length));
    redilock_op_reset(op);
    assert_status(REDILOCK_OK, redilock_options_new(&options));
    assert_status(REDILOCK_E_INVALID,
                  redilock_options_set_bytes(options, "prefix", "p", length, error, sizeof error));
    redilock_options_free(options);
    assert_status(REDILOCK_E_INVALID, redilock_list_new(client, "*", length, &list));
    assert_int_equal(redilock_info_is(info, "t", length), 0);
  }
  redilock_info_free(info);
}

static void fence_and_label_reach_the_lock(void **state) {
  (void)state;
  char value[256];
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_set(op, "fence", "no"));
  assert_status(REDILOCK_OK, redilock_op_set(op, "label", "me: the tester"));
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  assert_int_equal(redilock_lock_fence(lock), 0);
  assert_true(redis_text(server, value, sizeof value, "GET job"));
  assert_string_equal(strlen(value) > 42 ? value + 42 : "", "me: the tester");
  assert_int_equal(redis_integer(server, "DBSIZE"), 1);
  give(lock);
}

/* ---------------------------------------------------------------- the end of a call */

static void status_message_and_retriable_tell_of_the_last_call(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL, *none = NULL;
  assert_status(REDILOCK_OK, redilock_op_status(op));
  assert_int_equal(redilock_op_message(op, NULL, 0), 0);
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  assert_status(REDILOCK_E_HELD, redilock_op_acquire(op, &none));
  assert_null(none);
  assert_status(REDILOCK_E_HELD, redilock_op_status(op));
  assert_int_equal(redilock_op_retriable(op), 1);
  char small[5];
  const size_t whole = redilock_op_message(op, small, sizeof small);
  assert_int_equal(whole, strlen(message_of(op)));
  assert_int_equal(strlen(small), 4);
  assert_status(REDILOCK_OK, redilock_op_release(op, lock));
  assert_status(REDILOCK_OK, redilock_op_status(op));
  assert_string_equal(message_of(op), "");
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_release(op, lock));
  assert_int_equal(redilock_op_retriable(op), 0);
  redilock_op_reset(op);
  assert_status(REDILOCK_OK, redilock_op_status(op));
  redilock_lock_free(lock);
}

static void the_servers_words_are_told(void **state) {
  (void)state;
  redilock_lock_t *held = take(client, "held", 20000), *lock = NULL;
  redis_do(server, "CONFIG SET maxmemory 1");
  assert_status(REDILOCK_E_SERVER, redilock_op_acquire(op, &lock));
  assert_non_null(strstr(message_of(op), "maxmemory"));
  assert_status(REDILOCK_OK, redilock_release(held));
  redis_do(server, "CONFIG SET maxmemory 0");
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  redilock_lock_free(held);
  give(lock);
}

/* ---------------------------------------------------------------- cancel */

static void a_cancel_ends_the_wait_from_another_thread(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  assert_int_equal(redilock_op_position(waiter->op), 1);
  const int64_t before = now_ms();
  redilock_op_cancel(waiter->op);
  assert_status(REDILOCK_E_CANCELLED, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(1000));
  assert_int_equal(redilock_op_position(waiter->op), 0);
  assert_int_equal(waiters_of(client, "job"), 0);
  give(lock);
  assert_status(REDILOCK_OK, redilock_op_acquire(waiter->op, &waiter->lock));
  free_waiter(waiter);
}

static void a_cancel_counts_for_the_next_call_unless_it_is_reset(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_info_t *info = NULL;
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_acquire(op, &lock));
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_info(op, &info));
  redilock_op_cancel(op);
  redilock_op_reset(op);
  assert_status(REDILOCK_OK, redilock_op_release(op, lock));
  redilock_lock_free(lock);
}

static redilock_op_t *op_to_cancel;

static void cancel_it(int signal_number) {
  (void)signal_number;
  const int before = errno;
  redilock_op_cancel(__atomic_load_n(&op_to_cancel, __ATOMIC_SEQ_CST));
  errno = before;
}

static void do_nothing(int signal_number) { (void)signal_number; }

static void handle(void (*handler)(int), struct sigaction *old) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(SIGUSR1, &action, old);
}

static void a_cancel_may_come_from_a_signal_handler(void **state) {
  (void)state;
  struct sigaction old;
  handle(cancel_it, &old);
  redilock_lock_t *lock = take(client, "job", 20000);
  for (int i = 0; i < 50; ++i) {
    waiter_t *waiter = start_waiter(client, "job", "wait=forever");
    __atomic_store_n(&op_to_cancel, waiter->op, __ATOMIC_SEQ_CST);
    pthread_kill(waiter->thread, SIGUSR1);
    assert_status(REDILOCK_E_CANCELLED, join_waiter(waiter));
    free_waiter(waiter);
  }
  sigaction(SIGUSR1, &old, NULL);
  give(lock);
}

/* ---------------------------------------------------------------- EINTR */

/* A signal before or after its sleep does not interrupt it, so one more is sent until it ends. */
static bool interrupted(void *waiter) {
  if (waiter_ended(waiter)) return true;
  pthread_kill(((waiter_t *)waiter)->thread, SIGUSR1);
  return false;
}

static void a_signal_ends_the_wait_where_it_is_interruptible(void **state) {
  (void)state;
  struct sigaction old;
  handle(do_nothing, &old);
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever&interruptible=yes");
  assert_true(eventually(interrupted, waiter, 5000));
  assert_status(REDILOCK_E_INTERRUPTED, join_waiter(waiter));
  assert_int_equal(waiters_of(client, "job"), 0);
  free_waiter(waiter);
  sigaction(SIGUSR1, &old, NULL);
  give(lock);
}

static void a_signal_changes_nothing_where_it_is_not(void **state) {
  (void)state;
  struct sigaction old;
  handle(do_nothing, &old);
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  assert_false(eventually(interrupted, waiter, 200));
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  sigaction(SIGUSR1, &old, NULL);
}

/* ---------------------------------------------------------------- secrets */

static void no_message_shows_a_token(void **state) {
  (void)state;
  size_t len = 0;
  redilock_lock_t *lock = take(client, "job", 20000), *none = NULL;
  const char *token = redilock_lock_token(lock, &len);
  const char *id = token + 9;
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "0"));
  assert_status(REDILOCK_E_HELD, redilock_op_acquire(op, &none));
  char secret[17];
  snprintf(secret, sizeof secret, "%.16s", id + 16);
  assert_null(strstr(message_of(op), secret));
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "token", token, len));
  assert_status(REDILOCK_OK, redilock_op_set(op, "name", "other"));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_release(op, NULL));
  assert_null(strstr(message_of(op), secret));
  redis_do(server, "LPUSH other x");
  redilock_op_release(op, NULL);
  assert_null(strstr(message_of(op), secret));
  redilock_op_set_bytes(op, token, token, len);
  assert_null(strstr(message_of(op), secret));
  give(lock);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(good_options_are_taken),
      CASE(wrong_options_are_named_and_change_nothing),
      CASE(failed_set_refuses_every_call_until_the_reset),
      CASE(failed_set_refuses_a_client),
      CASE(successful_set_leaves_the_last_outcome),
      CASE(option_that_a_call_does_not_read_is_refused),
      CASE(lock_of_another_client_is_refused),
      CASE(second_call_of_a_busy_operation_is_refused),
      CASE(late_cancel_ends_no_release),
      CASE(enormous_lengths_are_refused),
      CASE(fence_and_label_reach_the_lock),
      CASE(status_message_and_retriable_tell_of_the_last_call),
      CASE(the_servers_words_are_told),
      CASE(a_cancel_ends_the_wait_from_another_thread),
      CASE(a_cancel_counts_for_the_next_call_unless_it_is_reset),
      CASE(a_cancel_may_come_from_a_signal_handler),
      CASE(a_signal_ends_the_wait_where_it_is_interruptible),
      CASE(a_signal_changes_nothing_where_it_is_not),
      CASE(no_message_shows_a_token),
  };
  return cmocka_run_group_tests_name("capi/operation", tests, start_server, stop_server);
}
