/* "information" of redilock.h. */
#include <string.h>

#include "support/locks.h"
#include "support/one_client.h"
#include "support/side_keys.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("label=holder");
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
  assert_int_equal(redilock_info_waiter_since_ms(info, 0), -1);
  assert_int_equal(redilock_info_waiter_polls(info, 0), 0);
  assert_int_equal(redilock_info_is(info, "", 0), 0);
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

static void a_waiter_has_waited_since_its_arrival(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 60000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  /* Places of other clients, of 10 s ago, of a counter ahead of the clock, and no client's. */
  redis_do(
      server, "EVAL %s 1 %s",
      "local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] "
      "local function add(us, kind, id) "
      "  redis.call('ZADD', KEYS[1], string.format('%.0f', us), "
      "    '5000 redilock:1:{}:' .. kind .. ':x redilock:' .. string.rep(id, 32) .. ':' .. id) "
      "end "
      "add(now - 10000000, 'poll', 'a') add(now + 60000000, 'wake', 'b') "
      "redis.call('ZADD', KEYS[1], 'inf', 'x :poll: y')",
      queue_of("job"));
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_waiters(info), 4);
  assert_string_equal(redilock_info_waiter_label(info, 0), "a");
  assert_in_range(redilock_info_waiter_since_ms(info, 0), 10000, 10000 + slow_ms(5000));
  assert_in_range(redilock_info_waiter_since_ms(info, 1), 0, slow_ms(5000));
  assert_int_equal(redilock_info_waiter_since_ms(info, 2), 0);
  assert_int_equal(redilock_info_waiter_since_ms(info, 3), -1);
  assert_int_equal(redilock_info_waiter_since_ms(info, 4), -1);
  const int polls[] = {1, 0, 0, 0, 0};
  for (size_t i = 0; i < 5; ++i) assert_int_equal(redilock_info_waiter_polls(info, i), polls[i]);
  redilock_info_free(info);
  redilock_op_cancel(waiter->op);
  assert_status(REDILOCK_E_CANCELLED, join_waiter(waiter));
  free_waiter(waiter);
  give(lock);
}

static void a_holder_knows_its_lock_by_its_token(void **state) {
  (void)state;
  size_t len = 0;
  redilock_lock_t *lock = take(client, "job", 60000), *other = take(client, "other", 60000);
  const char *token = redilock_lock_token(lock, &len);
  redilock_info_t *info = ask("job"), *of_other = ask("other");
  assert_int_equal(redilock_info_is(info, token, len), 1);
  assert_int_equal(redilock_info_is(info, token, len - 1), 0);
  assert_int_equal(redilock_info_is(info, token, 0), 0);
  assert_int_equal(redilock_info_is(of_other, token, len), 0);
  /* Not stored: see redilock.h. */
  redilock_info_free(info);
  redilock_info_free(of_other);
  give(lock);
  give(other);
}

#define ID "redilock:0123456789abcdef0123456789abcde"

static void all_that_share_a_lock_hold_it(void **state) {
  (void)state;
  redis_do(server, "SET job redilock:shared PX 60000");
  redis_do(server, "ZADD %s 9e15 " ID "1:x 9e15 " ID "2:y 9e15 redilock:rest:" ID "3:z 1 " ID "4:w",
           holders_of("job"));
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_is(info, ID "1:x", sizeof ID + 2), 1);
  assert_int_equal(redilock_info_is(info, ID "2:y", sizeof ID + 2), 1);
  assert_int_equal(redilock_info_is(info, ID "3:z", sizeof ID + 2), 0);
  assert_int_equal(redilock_info_is(info, ID "4:w", sizeof ID + 2), 0);
  assert_int_equal(redilock_info_is(info, "redilock:shared", 15), 0);
  redilock_info_free(info);
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
    assert_int_equal(redilock_info_is(info, "mine", 4), 0);
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

static void huge_members_of_a_queue_are_cut(void **state) {
  (void)state;
  redis_do(server, "EVAL %s 0",
           "for i = 1, 100 do redis.call('ZADD', 'redilock:1:{@NB@}:queue:job', i, "
           "'5 c redilock:' .. string.rep('a', 32) .. ':' .. string.rep('x', 100000) .. i) end");
  redilock_info_t *info = ask("job");
  assert_int_equal(redilock_info_waiters(info), 100);
  assert_string_equal(redilock_info_waiter_label(info, 99), "");
  redilock_info_free(info);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(a_free_name_is_free),
      CASE(holder_and_waiters_are_told_in_their_order),
      CASE(a_waiter_has_waited_since_its_arrival),
      CASE(a_holder_knows_its_lock_by_its_token),
      CASE(all_that_share_a_lock_hold_it),
      CASE(foreign_holders_are_told_apart),
      CASE(the_first_hundred_waiters_have_labels),
      CASE(huge_members_of_a_queue_are_cut),
  };
  return cmocka_run_group_tests_name("capi/info", tests, start_server, stop_server);
}
