/* "statistics" of redilock.h: the table, and what each number counts in the scenes that change it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/async.h"
#include "support/child.h"
#include "support/one_client.h"
#include "support/proxy.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=2s");
}

static int64_t stat(const char *name) {
  int64_t value = -1;
  assert_status(REDILOCK_OK, redilock_client_stat(client, name, &value));
  return value;
}

/* These depend on how fast the machine is. */
static bool is_measured(const char *name) {
  return strncmp(name, "wait_", 5) == 0 || strcmp(name, "held_us") == 0 ||
         strcmp(name, "connected") == 0 || strcmp(name, "renewed") == 0;
}

/* `expected` is "acquired=1 refused=2 "; every other number is 0. */
static void assert_counts(const char *expected) {
  char counts[1024] = "";
  size_t used = 0;
  for (size_t i = 0; i < redilock_stat_count(); ++i) {
    const char *name = redilock_stat_name(i);
    if (is_measured(name) || stat(name) == 0) continue;
    used += (size_t)snprintf(counts + used, sizeof counts - used, "%s=%lld ", name,
                             (long long)stat(name));
  }
  assert_string_equal(counts, expected);
}

struct expected_stat {
  const char *name;
  int64_t least;
};

static bool has_reached(void *context) {
  const struct expected_stat *expected = context;
  return stat(expected->name) >= expected->least;
}

static void await_stat(const char *name, int64_t least) {
  struct expected_stat expected = {name, least};
  if (!eventually(has_reached, &expected, 10000)) fail_msg("%s stays below %d", name, (int)least);
}

static int32_t try_lock(redilock_client_t *by, int64_t wait_ms) {
  redilock_lock_t *none = NULL;
  return redilock_acquire(by, "a", 1, 60000, wait_ms, &none, NULL, 0);
}

/* ---------------------------------------------------------------- the table */

static void table_is_complete_and_each_name_is_there_once(void **state) {
  (void)state;
  assert_true(redilock_stat_count() >= 20);
  for (size_t i = 0; i < redilock_stat_count(); ++i) {
    assert_true(strlen(redilock_stat_name(i)) > 0);
    assert_true(strlen(redilock_stat_doc(i)) > 0);
    const bool is_gauge = strcmp(redilock_stat_type(i), "gauge") == 0;
    assert_true(is_gauge || strcmp(redilock_stat_type(i), "counter") == 0);
    assert_int_equal(is_gauge, strstr(redilock_stat_name(i), "_now") != NULL);
    assert_int_equal(stat(redilock_stat_name(i)), 0);
    for (size_t k = 0; k < i; ++k)
      assert_string_not_equal(redilock_stat_name(i), redilock_stat_name(k));
  }
  const size_t past[] = {redilock_stat_count(), SIZE_MAX};
  for (size_t i = 0; i < 2; ++i) {
    assert_null(redilock_stat_name(past[i]));
    assert_null(redilock_stat_type(past[i]));
    assert_null(redilock_stat_doc(past[i]));
  }
}

static void unknown_name_is_invalid(void **state) {
  (void)state;
  const char *const names[] = {"", "Acquired", "acquired ", "nonsense"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    int64_t value = 7;
    assert_status(REDILOCK_E_INVALID, redilock_client_stat(client, names[i], &value));
    assert_int_equal(value, 0);
  }
}

/* ---------------------------------------------------------------- acquires */

static void pair_counts_a_grant_and_how_long_it_was_held(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 60000);
  assert_counts("acquired=1 held_now=1 ");
  assert_int_equal(stat("held_us"), 0);
  assert_true(stat("wait_us") > 0);
  pass_ms(20);
  give(lock);
  assert_counts("acquired=1 ");
  assert_true(stat("held_us") >= 20000);
  assert_int_equal(stat("connected"), 1);
}

static void buckets_include_those_below(void **state) {
  (void)state;
  const char *const buckets[] = {"wait_1ms", "wait_10ms", "wait_100ms", "wait_1s", "wait_10s"};
  for (int i = 0; i < 5; ++i) give(take(client, "a", 60000));
  for (size_t i = 1; i < 5; ++i) assert_true(stat(buckets[i - 1]) <= stat(buckets[i]));
  assert_int_equal(stat("wait_10s"), 5);
}

static void try_of_a_held_lock_is_refused(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "a", 60000);
  assert_status(REDILOCK_E_HELD, try_lock(client, 0));
  assert_counts("contended=1 refused=1 ");
  give(held);
  redilock_free(other);
}

static void wait_that_ends_is_a_timeout(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "a", 60000);
  assert_status(REDILOCK_E_TIMEOUT, try_lock(client, 50));
  redilock_op_t *op = submit(client, "a", "wait=50ms", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_TIMEOUT);
  assert_counts("contended=2 timeouts=2 ");
  assert_int_equal(stat("wait_us"), 0);
  redilock_op_free(op);
  give(held);
  redilock_free(other);
}

static void waiters_count_while_they_wait_and_are_handed_the_lock(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "a", 60000);
  waiter_t *waiter = start_waiter(client, "a", "wait=20s");
  redilock_op_t *op = submit(client, "a", NULL, 1);
  assert_true(wait_for_waiters(other, "a", 2));
  assert_int_equal(stat("queued_now"), 2);
  pass_ms(20);
  give(held);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_true(stat("wait_us") >= 20000);
  assert_int_equal(stat("wait_10ms"), 0);
  free_waiter(waiter);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_counts("acquired=2 contended=2 hand_offs=2 held_now=1 ");
  give(lock_of(op));
  assert_counts("acquired=2 contended=2 hand_offs=2 ");
  redilock_op_free(op);
  redilock_free(other);
}

static void acquire_that_is_cancelled_has_failed(void **state) {
  (void)state;
  redilock_op_t *op = new_op(client, "a");
  redilock_lock_t *none = NULL;
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_acquire(op, &none));
  assert_counts("failed=1 ");
  redilock_op_free(op);
}

/* ---------------------------------------------------------------- ends of locks */

static void locks_that_end_otherwise_are_held_no_more(void **state) {
  (void)state;
  redilock_lock_free(take(client, "a", 60000));
  redilock_lock_drop(take(client, "b", 60000));
  redilock_op_t *op = submit(client, "c", NULL, 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  assert_counts("acquired=3 held_now=1 ");
  redilock_op_free(op); /* and nobody takes the lock */
  assert_counts("acquired=3 ");
}

static void attached_lock_is_held_and_was_not_acquired(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *granted = take(other, "a", 60000), *attached = NULL;
  redilock_op_t *op = new_op(client, "a");
  size_t length = 0;
  const char *token = redilock_lock_token(granted, &length);
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "token", token, length));
  assert_status(REDILOCK_OK, redilock_op_attach(op, &attached));
  assert_counts("held_now=1 ");
  give(attached);
  assert_counts("");
  redilock_op_free(op);
  redilock_lock_free(granted);
  redilock_free(other);
}

static void lock_that_is_taken_away_is_lost_once(void **state) {
  (void)state;
  redilock_lock_t *extended = take(client, "a", 60000), *released = take(client, "b", 60000);
  redis_do(server, "DEL a b");
  assert_status(REDILOCK_E_LOST, redilock_extend(extended, 60000));
  assert_status(REDILOCK_E_LOST, redilock_extend(extended, 60000));
  assert_status(REDILOCK_E_LOST, redilock_release(released));
  assert_counts("acquired=2 lost_taken=2 ");
  redilock_lock_free(extended);
  redilock_lock_free(released);
  redilock_lock_t *renewed = take_with_options(client, "a", "renew=yes&ttl=1s");
  await_stat("renewed", 1);
  redis_do(server, "DEL a");
  await_stat("lost_taken", 3);
  redilock_lock_free(renewed);
  assert_counts("acquired=3 lost_taken=3 ");
}

static void lease_that_ends_is_lost_when_it_is_found(void **state) {
  (void)state;
  redilock_lock_t *released = take(client, "a", 50), *watched = take(client, "b", 50);
  assert_status(REDILOCK_OK, redilock_lock_watch(watched, 1));
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_counts("acquired=2 lost_expired=1 held_now=1 ");
  assert_true(stat("held_us") <= 50000);
  assert_true(eventually(is_free, "a", 10000));
  assert_status(REDILOCK_E_LOST, redilock_release(released));
  assert_counts("acquired=2 lost_expired=2 ");
  redilock_lock_free(released);
  redilock_lock_free(watched);
}

static void lock_over_max_hold_is_lost(void **state) {
  (void)state;
  redilock_lock_t *lock = take_with_options(client, "a", "renew=yes&ttl=1500ms&max_hold=2s");
  assert_status(REDILOCK_OK, redilock_lock_watch(lock, 1));
  expect_completion(client, 1, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  assert_counts("acquired=1 lost_max_hold=1 ");
  assert_true(stat("renewed") >= 1);
  redilock_lock_free(lock);
}

static void renewals_that_fail_lose_the_lock(void **state) {
  (void)state;
  redis_server_t *own = redis_start(NULL);
  redilock_free(client);
  client = new_client(own, "timeout=100ms");
  redilock_lock_t *lock = take_with_options(client, "a", "renew=yes&ttl=2s");
  redis_stop(own);
  await_stat("renewals_failed", 1);
  await_stat("lost_not_renewed", 1);
  assert_int_equal(stat("held_now"), 0);
  assert_in_range(stat("held_us"), 1000000, 2000000);
  redilock_lock_free(lock);
}

/* ---------------------------------------------------------------- the server */

static void request_without_a_reply_has_an_unknown_outcome(void **state) {
  (void)state;
  proxy_t *proxy = proxy_start(server->socket);
  redilock_free(client);
  char url[256];
  snprintf(url, sizeof url, "%s?timeout=300ms", proxy_url(proxy));
  assert_status(REDILOCK_OK, redilock_new(url, NULL, &client, NULL, 0));
  redilock_lock_t *lock = take(client, "b", 60000);
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  assert_status(REDILOCK_E_UNKNOWN, try_lock(client, 0));
  assert_int_equal(stat("unknown"), 1);
  assert_int_equal(stat("failed"), 1);
  assert_true(eventually(is_free, "a", 10000)); /* it is rolled back */
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  assert_status(REDILOCK_E_UNKNOWN, redilock_release(lock));
  assert_int_equal(stat("unknown"), 2);
  assert_int_equal(stat("held_now"), 0);
  redilock_lock_free(lock);
  redilock_free(client);
  client = NULL;
  proxy_stop(proxy);
}

static void connection_after_one_that_broke_is_a_reconnect(void **state) {
  (void)state;
  proxy_t *proxy = proxy_start(server->socket);
  redilock_free(client);
  assert_status(REDILOCK_OK, redilock_new(proxy_url(proxy), NULL, &client, NULL, 0));
  give(take(client, "a", 60000));
  assert_counts("acquired=1 ");
  assert_int_equal(stat("connected"), 1);
  proxy_reset_all(proxy);
  give(take(client, "a", 60000));
  assert_counts("acquired=2 reconnects=1 ");
  assert_int_equal(stat("connected"), 2);
  redilock_free(client);
  client = NULL;
  proxy_stop(proxy);
}

/* ---------------------------------------------------------------- close and fork */

static void numbers_outlive_a_close(void **state) {
  (void)state;
  give(take(client, "a", 60000));
  redilock_client_close(client);
  assert_int_equal(stat("acquired"), 1);
}

static int count_in_the_child(child_t *self, void *context) {
  (void)self, (void)context;
  int64_t value = 7;
  redilock_client_t *own = new_client(server, NULL);
  if (redilock_client_stat(client, "acquired", &value) != REDILOCK_E_FORKED || value != 0) return 1;
  if (redilock_client_stat(own, "acquired", &value) != REDILOCK_OK || value != 0) return 2;
  redilock_free(client); /* for the leak checker */
  redilock_free(own);
  return 0;
}

static void child_of_a_fork_starts_at_zero(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "a", 60000);
  child_t child = start_child(count_in_the_child, NULL);
  assert_int_equal(end_of(&child), 0);
  assert_counts("acquired=1 held_now=1 ");
  give(lock);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(table_is_complete_and_each_name_is_there_once),
      CASE(unknown_name_is_invalid),
      CASE(pair_counts_a_grant_and_how_long_it_was_held),
      CASE(buckets_include_those_below),
      CASE(try_of_a_held_lock_is_refused),
      CASE(wait_that_ends_is_a_timeout),
      CASE(waiters_count_while_they_wait_and_are_handed_the_lock),
      CASE(acquire_that_is_cancelled_has_failed),
      CASE(locks_that_end_otherwise_are_held_no_more),
      CASE(attached_lock_is_held_and_was_not_acquired),
      CASE(lock_that_is_taken_away_is_lost_once),
      CASE(lease_that_ends_is_lost_when_it_is_found),
      CASE(lock_over_max_hold_is_lost),
      CASE(renewals_that_fail_lose_the_lock),
      CASE(request_without_a_reply_has_an_unknown_outcome),
      CASE(connection_after_one_that_broke_is_a_reconnect),
      CASE(numbers_outlive_a_close),
      CASE(child_of_a_fork_starts_at_zero),
  };
  return cmocka_run_group_tests_name("capi/statistics", tests, start_server, stop_server);
}
