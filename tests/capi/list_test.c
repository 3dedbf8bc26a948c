/* "lists" of redilock.h: the names on a server, cancels, and lists that outlive everything. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/fake_server.h"
#include "support/locks.h"
#include "support/one_client.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("label=holder");
}

static redilock_list_t *new_list(redilock_client_t *by, const char *pattern) {
  redilock_list_t *list = NULL;
  const size_t length = pattern == NULL ? 0 : strlen(pattern);
  assert_status(REDILOCK_OK, redilock_list_new(by, pattern, length, &list));
  return list;
}

static const char *list_message(const redilock_list_t *list) {
  static char buffer[512];
  redilock_list_message(list, buffer, sizeof buffer);
  return buffer;
}

/* ---------------------------------------------------------------- what is listed */

/* How many names a list with the pattern has; each has to be among `names` ("%d" with 0 .. max),
 * once. */
static int count_list(redilock_client_t *by, const char *pattern, const char *head, int max) {
  redilock_list_t *list = new_list(by, pattern);
  bool *seen = calloc((size_t)max, sizeof *seen);
  int count = 0;
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
  const char *name = NULL;
  size_t len = 0;
  assert_status(REDILOCK_OK, redilock_acquire(client, "a\0\n{}\xff", 6, 5000, 0, &lock, NULL, 0));
  redilock_list_t *list = new_list(client, NULL);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, &len));
  assert_int_equal(len, 6);
  assert_memory_equal(name, "a\0\n{}\xff", 7);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, &len));
  assert_null(name);
  assert_int_equal(len, 0);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_null(name);
  redilock_list_free(list);
  give(lock);
}

static void plant(const char *script) { redis_do(server, "EVAL %s 0", script); }

/* Others may give their keys any name and make their values look like tokens. All long names together
 * are too much for a page; those of one bucket are not, of which Valkey keeps several keys. */
static void keys_that_can_be_no_lock_are_not_listed(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  const char *name = NULL;
  plant(
      "local t = 'redilock:' .. string.rep('a', 32) .. ':x' "
      "redis.call('SET', 'redilock:mine', t) redis.call('SET', string.rep('x', 1025), t) "
      "redis.call('ZADD', 'redilock:1:{AKOB}:queue:', 1, 'x') "
      "redis.call('ZADD', 'redilock:1:{BBBL}:queue:redilock:mine', 1, 'x') "
      "for i = 1, 20 do redis.call('SET', string.rep('x', 500000) .. i, t) end");
  redilock_list_t *list = new_list(client, NULL);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_string_equal(name, "job");
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_null(name);
  redilock_list_free(list);
  give(lock);
}

static void the_pattern_is_copied_and_its_length_counts(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job:1", 20000), *other = take(client, "x", 20000);
  char pattern[] = "job:*zzz";
  redilock_list_t *list = NULL;
  const char *name = NULL;
  assert_status(REDILOCK_OK, redilock_list_new(client, pattern, 5, &list));
  memset(pattern, 'x', sizeof pattern);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_string_equal(name, "job:1");
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_null(name);
  redilock_list_free(list);
  assert_status(REDILOCK_E_INVALID, redilock_list_new(client, pattern, SIZE_MAX, &list));
  assert_status(REDILOCK_E_INVALID, redilock_list_new(client, pattern, 16385, &list));
  assert_null(list);
  give(lock);
  give(other);
}

/* ---------------------------------------------------------------- cancels */

static void a_cancel_ends_the_next_call_and_no_more(void **state) {
  (void)state;
  redilock_lock_t *first = take(client, "a", 20000), *second = take(client, "b", 20000);
  redilock_list_t *list = new_list(client, NULL);
  const char *name = "x";
  int names = 0;
  redilock_list_cancel(list);
  assert_status(REDILOCK_E_CANCELLED, redilock_list_next(list, &name, NULL));
  assert_null(name);
  assert_true(strlen(list_message(list)) > 0);
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  assert_string_equal(list_message(list), "");
  redilock_list_cancel(list); /* between two names of one page */
  redilock_list_cancel(list);
  assert_status(REDILOCK_E_CANCELLED, redilock_list_next(list, &name, NULL));
  for (;; ++names) {
    assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
    if (name == NULL) break;
  }
  assert_int_equal(names, 1);
  redilock_list_free(list);
  give(first);
  give(second);
}

/* A thread that reads one name. */
struct reader {
  redilock_list_t *list;
  int32_t status;
  pthread_t thread;
};

static void *read_name(void *argument) {
  struct reader *reader = argument;
  const char *name;
  reader->status = redilock_list_next(reader->list, &name, NULL);
  return NULL;
}

/* Starts a reader at a server that does not answer, and returns once its request is there. */
static void start_reader(struct reader *reader, fake_server_t *fake, redilock_client_t *at_fake) {
  reader->list = new_list(at_fake, NULL);
  assert_int_equal(pthread_create(&reader->thread, NULL, read_name, reader), 0);
  assert_true(fake_server_await(fake, "SCAN", 1));
}

static const struct fake_step kSilent[] = {{"SCAN", FAKE_SILENT, NULL, 0},
                                           {NULL, FAKE_SEND, NULL, 0}};

static void another_thread_cancels_the_call_that_runs(void **state) {
  (void)state;
  fake_server_t *fake = fake_server_start(kSilent);
  redilock_client_t *at_fake = client_at(fake_server_url(fake), "timeout=30s");
  struct reader reader;
  start_reader(&reader, fake, at_fake);
  const int64_t began = now_ms();
  redilock_list_cancel(reader.list);
  pthread_join(reader.thread, NULL);
  assert_status(REDILOCK_E_CANCELLED, reader.status);
  assert_in_range(now_ms() - began, 0, soon_ms(10000));
  redilock_list_free(reader.list);
  redilock_free(at_fake);
  fake_server_stop(fake);
}

static void second_use_of_a_list_that_is_busy_is_invalid(void **state) {
  (void)state;
  fake_server_t *fake = fake_server_start(kSilent);
  redilock_client_t *at_fake = client_at(fake_server_url(fake), "timeout=30s");
  struct reader reader;
  const char *name = "x";
  start_reader(&reader, fake, at_fake);
  assert_status(REDILOCK_E_INVALID, redilock_list_next(reader.list, &name, NULL));
  assert_null(name);
  assert_int_equal(redilock_list_message(reader.list, NULL, 0), 0);
  assert_int_equal(redilock_list_retriable(reader.list), 0);
  redilock_list_cancel(reader.list);
  pthread_join(reader.thread, NULL);
  assert_status(REDILOCK_E_CANCELLED, reader.status);
  assert_true(strlen(list_message(reader.list)) > 0);
  redilock_list_free(reader.list);
  redilock_free(at_fake);
  fake_server_stop(fake);
}

/* ---------------------------------------------------------------- lifetimes and messages */

static void a_list_outlives_all_that_it_came_from(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_op_t *op = new_op(other, "job");
  redilock_lock_t *first = take(client, "a", 20000), *second = take(client, "b", 20000);
  redilock_list_t *list = new_list(other, NULL), *unread = new_list(other, "a*");
  const char *name = NULL, *none = "x";
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  redilock_op_free(op);
  redilock_free(other);
  assert_true(strcmp(name, "a") == 0 || strcmp(name, "b") == 0); /* still borrowed */
  assert_status(REDILOCK_E_CLOSED, redilock_list_next(list, &none, NULL));
  assert_null(none);
  assert_true(strlen(list_message(list)) > 0);
  redilock_list_cancel(unread);
  assert_status(REDILOCK_E_CLOSED, redilock_list_next(unread, &none, NULL));
  give(first);
  give(second);
  redilock_list_free(list);
  redilock_list_free(unread);
}

static void a_failure_has_a_message_and_whether_to_try_again(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"SCAN", FAKE_SEND, "-NOPERM no scan for you\r\n", 0},
                                    {NULL, FAKE_SEND, NULL, 0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *at_fake = client_at(fake_server_url(fake), "timeout=5s");
  redilock_list_t *list = new_list(at_fake, NULL);
  const char *name;
  char start[6];
  assert_int_equal(redilock_list_message(list, NULL, 0), 0);
  assert_status(REDILOCK_E_AUTH, redilock_list_next(list, &name, NULL));
  assert_non_null(strstr(list_message(list), "no scan for you"));
  assert_int_equal(redilock_list_retriable(list), 0);
  assert_int_equal(redilock_list_message(list, start, sizeof start), strlen(list_message(list)));
  assert_int_equal(strlen(start), 5);
  fake_server_stop(fake);
  assert_status(REDILOCK_E_UNAVAILABLE, redilock_list_next(list, &name, NULL));
  assert_int_equal(redilock_list_retriable(list), 1);
  redilock_list_free(list);
  redilock_free(at_fake);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(three_thousand_names_are_listed_once_each),
      CASE(what_is_waited_for_is_listed_and_other_keys_are_not),
      CASE(a_name_may_hold_any_byte),
      CASE(keys_that_can_be_no_lock_are_not_listed),
      CASE(the_pattern_is_copied_and_its_length_counts),
      CASE(a_cancel_ends_the_next_call_and_no_more),
      CASE(another_thread_cancels_the_call_that_runs),
      CASE(second_use_of_a_list_that_is_busy_is_invalid),
      CASE(a_list_outlives_all_that_it_came_from),
      CASE(a_failure_has_a_message_and_whether_to_try_again),
  };
  return cmocka_run_group_tests_name("capi/list", tests, start_server, stop_server);
}
