/* "information" of redilock.h: what is told of one name, and the list of all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/locks.h"
#include "support/one_server.h"

static redilock_client_t *client;

static int make_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = new_client(server, "label=holder");
  return 0;
}

static int drop_client(void **state) {
  (void)state;
  redilock_free(client);
  return 0;
}

static redilock_info_t *ask(const char *name) {
  redilock_info_t *info = NULL;
  redilock_op_t *op = new_op(client, name);
  assert_status(REDILOCK_OK, redilock_op_info(op, &info));
  redilock_op_free(op);
  return info;
}

static void a_free_name_is_free(void **state) {
  (void)state;
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_state(info), REDILOCK_STATE_FREE);
  assert_string_equal(redilock_info_label(info), "");
  assert_int_equal(redilock_info_remaining_ms(info), 0);
  assert_int_equal(redilock_info_waiters(info), 0);
  assert_null(redilock_info_waiter_label(info, 0));
  redilock_info_free(info);
  assert_int_equal(redis_integer(server, "DBSIZE"), 0);
}

static void holder_and_waiters_are_told_in_their_order(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  waiter_t *first = start_waiter(client, "job", "wait=5s&label=first");
  waiter_t *second = start_waiter(client, "job", "wait=5s&label=second");
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_state(info), REDILOCK_STATE_HELD);
  assert_string_equal(redilock_info_label(info), "holder");
  assert_in_range(redilock_info_remaining_ms(info), 15000, 20000);
  assert_int_equal(redilock_info_waiters(info), 2);
  assert_string_equal(redilock_info_waiter_label(info, 0), "first");
  assert_string_equal(redilock_info_waiter_label(info, 1), "second");
  assert_null(redilock_info_waiter_label(info, 2));
  assert_null(redilock_info_waiter_label(info, SIZE_MAX));
  redilock_info_free(info);
  give(lock);
  join_waiter(first);
  assert_status(REDILOCK_OK, redilock_release(first->lock));
  join_waiter(second);
  free_waiter(first);
  free_waiter(second);
}

static void foreign_holders_are_told_apart(void **state) {
  (void)state;
  redis_do(server, "SET a mine PX 20000");
  redis_do(server, "SET b mine");
  redis_do(server, "SET c redilock:0123456789abcdef0123456789abcdeX:me PX 20000");
  redis_do(server, "LPUSH d x");
  const char *const names[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < 4; ++i) {
    redilock_info_t *info = ask(names[i]);
    assert_int_equal(redilock_info_state(info), REDILOCK_STATE_FOREIGN);
    assert_string_equal(redilock_info_label(info), "");
    if (i % 2 == 0)
      assert_in_range(redilock_info_remaining_ms(info), 15000, 20000);
    else
      assert_int_equal(redilock_info_remaining_ms(info), -1);
    redilock_info_free(info);
  }
}

static void the_first_hundred_waiters_have_labels(void **state) {
  (void)state;
  enum { kCount = 120 };
  static waiter_t *waiters[kCount];
  redilock_lock_t *lock = take(client, "job", 60000);
  for (int i = 0; i < kCount; ++i) waiters[i] = start_waiter(client, "job", "wait=forever");
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_waiters(info), kCount);
  assert_non_null(redilock_info_waiter_label(info, 99));
  assert_null(redilock_info_waiter_label(info, 100));
  redilock_info_free(info);
  for (int i = 0; i < kCount; ++i) redilock_op_cancel(waiters[i]->op);
  for (int i = 0; i < kCount; ++i) {
    assert_status(REDILOCK_E_CANCELLED, join_waiter(waiters[i]));
    free_waiter(waiters[i]);
  }
  assert_int_equal(waiters_of(client, "job"), 0);
  give(lock);
}

/* ---------------------------------------------------------------- the list */

/* How many names a list with the pattern has; each has to be among `names` ("%d" with 0 .. max),
 * once. */
static int count_list(redilock_client_t *by, const char *pattern, const char *head, int max) {
  redilock_op_t *op = new_op(by, pattern);
  redilock_list_t *list = NULL;
  bool *seen = calloc((size_t)max, sizeof *seen);
  int count = 0;
  assert_status(REDILOCK_OK, redilock_op_list(op, &list));
  for (;;) {
    const char *name = "x";
    size_t len = 9;
    assert_status(REDILOCK_OK, redilock_list_next(list, &name, &len));
    if (name == NULL) break;
    assert_int_equal(strlen(name), len);
    assert_memory_equal(name, head, strlen(head));
    const int number = atoi(name + strlen(head));
    assert_in_range(number, 0, max - 1);
    assert_false(seen[number]);
    seen[number] = true;
    ++count;
  }
  free(seen);
  redilock_list_free(list);
  redilock_op_free(op);
  return count;
}

static void three_thousand_names_are_listed_once_each(void **state) {
  (void)state;
  redilock_client_t *app = new_client(server, "prefix=a%5Bp%2A%3A");
  for (int i = 0; i < 3000; ++i) {
    char name[32];
    snprintf(name, sizeof name, "job:%d", i);
    redilock_lock_free(take(client, name, 60000));
    if (i < 100) redilock_lock_free(take(app, name, 60000));
  }
  assert_int_equal(count_list(client, "job:*", "job:", 3000), 3000);
  assert_int_equal(count_list(client, "job:29??", "job:", 3000), 100);
  assert_int_equal(count_list(client, "job:[12]", "job:", 3000), 2);
  assert_int_equal(count_list(client, "nothing*", "", 1), 0);
  assert_int_equal(count_list(app, NULL, "job:", 3000), 100);
  assert_int_equal(count_list(app, "job:1?", "job:", 3000), 10);
  assert_int_equal(count_list(client, "a\\[p\\**", "a[p*:job:", 3000), 100);
  redilock_free(app);
}

static void what_is_waited_for_is_listed_and_other_keys_are_not(void **state) {
  (void)state;
  redis_do(server, "SET job:0 mine PX 60000");
  redis_do(server, "SET job:1 mine PX 60000");
  redis_do(server, "LPUSH job:2 x");
  redilock_lock_t *lock = take(client, "job:3", 60000);
  waiter_t *waiter = start_waiter(client, "job:0", "wait=forever");
  waiter_t *second = start_waiter(client, "job:3", "wait=forever");
  assert_int_equal(count_list(client, NULL, "job:", 4), 2);
  redilock_op_cancel(waiter->op);
  redilock_op_cancel(second->op);
  join_waiter(waiter);
  join_waiter(second);
  assert_int_equal(count_list(client, NULL, "job:", 4), 1);
  free_waiter(waiter);
  free_waiter(second);
  give(lock);
}

static void a_name_may_hold_any_byte(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_list_t *list = NULL;
  redilock_op_t *op = new_op(client, NULL);
  const char *name = NULL;
  size_t len = 0;
  assert_status(REDILOCK_OK, redilock_acquire(client, "a\0\n{}\xff", 6, 5000, 0, &lock));
  assert_status(REDILOCK_OK, redilock_op_list(op, &list));
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, &len));
  assert_int_equal(len, 6);
  assert_memory_equal(name, "a\0\n{}\xff", 7);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, &len));
  assert_null(name);
  assert_int_equal(len, 0);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_null(name);
  redilock_list_free(list);
  redilock_op_free(op);
  give(lock);
}

static void plant(const char *script) { redis_do(server, "EVAL %s 0", script); }

/* Others may give their keys any name and make their values look like tokens. All long names together
 * are too much for a page; those of one bucket are not, of which Valkey keeps several keys. */
static void keys_that_can_be_no_lock_are_not_listed(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redilock_list_t *list = NULL;
  redilock_op_t *op = new_op(client, NULL);
  const char *name = NULL;
  plant(
      "local t = 'redilock:' .. string.rep('a', 32) .. ':x' "
      "redis.call('SET', 'redilock:mine', t) redis.call('SET', string.rep('x', 1025), t) "
      "redis.call('ZADD', 'redilock:1:{AKOB}:queue:', 1, 'x') "
      "redis.call('ZADD', 'redilock:1:{BBBL}:queue:redilock:mine', 1, 'x') "
      "for i = 1, 20 do redis.call('SET', string.rep('x', 500000) .. i, t) end");
  assert_status(REDILOCK_OK, redilock_op_list(op, &list));
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_string_equal(name, "job");
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_null(name);
  redilock_list_free(list);
  redilock_op_free(op);
  give(lock);
}

static void huge_members_of_a_queue_are_cut(void **state) {
  (void)state;
  plant(
      "for i = 1, 100 do redis.call('ZADD', 'redilock:1:{@NB@}:queue:job', i, "
      "'5 c redilock:' .. string.rep('a', 32) .. ':' .. string.rep('x', 100000) .. i) end");
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_waiters(info), 100);
  assert_string_equal(redilock_info_waiter_label(info, 99), "");
  redilock_info_free(info);
}

static void a_list_can_be_cancelled(void **state) {
  (void)state;
  redilock_list_t *list = NULL;
  redilock_op_t *op = new_op(client, NULL);
  const char *name = "x";
  assert_status(REDILOCK_OK, redilock_op_list(op, &list));
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_list_next(list, &name, NULL));
  assert_null(name);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  redilock_list_free(list);
  redilock_op_free(op);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(a_free_name_is_free),
      CASE(holder_and_waiters_are_told_in_their_order),
      CASE(foreign_holders_are_told_apart),
      CASE(the_first_hundred_waiters_have_labels),
      CASE(three_thousand_names_are_listed_once_each),
      CASE(what_is_waited_for_is_listed_and_other_keys_are_not),
      CASE(a_name_may_hold_any_byte),
      CASE(keys_that_can_be_no_lock_are_not_listed),
      CASE(huge_members_of_a_queue_are_cut),
      CASE(a_list_can_be_cancelled),
  };
  return cmocka_run_group_tests_name("capi/info", tests, start_server, stop_server);
}
