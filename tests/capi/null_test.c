/* NULL for every pointer of every function of redilock.h: INVALID, a nothing, or no effect. */
#include <string.h>

#include "support/locks.h"

static redis_server_t *server;
static redilock_client_t *client;
static redilock_op_t *op;

static int start(void **state) {
  (void)state;
  server = redis_start(NULL);
  client = new_client(server, NULL);
  op = new_op(client, NULL);
  return 0;
}

static int stop(void **state) {
  (void)state;
  redilock_op_free(op);
  redilock_free(client);
  redis_stop(server);
  return 0;
}

#define assert_invalid(expression) assert_status(REDILOCK_E_INVALID, expression)

static void freeing_nothing_does_nothing(void **state) {
  (void)state;
  redilock_options_free(NULL);
  redilock_free(NULL);
  redilock_op_free(NULL);
  redilock_lock_free(NULL);
  redilock_info_free(NULL);
  redilock_list_free(NULL);
}

static void constants_and_options(void **state) {
  (void)state;
  int64_t value;
  redilock_options_t *options = NULL;
  assert_invalid(redilock_constant(NULL, &value));
  assert_invalid(redilock_constant("REDILOCK_OK", NULL));
  assert_invalid(redilock_options_new(NULL));
  assert_invalid(redilock_options_set(NULL, "ttl", "1s", NULL, 0));
  assert_status(REDILOCK_OK, redilock_options_new(&options));
  assert_invalid(redilock_options_set(options, NULL, "1s", NULL, 0));
  assert_invalid(redilock_options_set(options, "ttl", NULL, NULL, 0));
  redilock_options_free(options);
}

static void clients_and_the_short_form(void **state) {
  (void)state;
  redilock_lock_t *lock = (redilock_lock_t *)&lock;
  char error[64] = "";
  assert_invalid(redilock_new("redis://localhost", NULL, NULL, NULL, 0));
  assert_invalid(redilock_new("redis://localhost", NULL, NULL, error, sizeof error));
  assert_non_null(strstr(error, "out"));
  assert_invalid(redilock_acquire(NULL, "n", 1, 1000, 0, &lock, NULL, 0));
  assert_null(lock);
  lock = (redilock_lock_t *)&lock;
  assert_invalid(redilock_acquire(client, NULL, 1, 1000, 0, &lock, NULL, 0));
  assert_null(lock);
  assert_invalid(redilock_acquire(client, "n", 1, 1000, 0, NULL, NULL, 0));
  assert_invalid(redilock_release(NULL));
  assert_invalid(redilock_extend(NULL, 1000));
  assert_invalid(redilock_release_token(NULL, "n", 1, "t", 1, NULL, 0));
  assert_invalid(redilock_release_token(client, NULL, 1, "t", 1, NULL, 0));
  assert_invalid(redilock_release_token(client, "n", 1, NULL, 1, NULL, 0));
  assert_int_equal(redis_integer(server, "DBSIZE"), 0);
}

static void operations(void **state) {
  (void)state;
  redilock_op_t *none = (redilock_op_t *)&none;
  assert_invalid(redilock_op_new(NULL, &none));
  assert_null(none);
  assert_invalid(redilock_op_new(client, NULL));
  assert_invalid(redilock_op_set(NULL, "ttl", "1s"));
  assert_invalid(redilock_op_set(op, NULL, "1s"));
  assert_invalid(redilock_op_set(op, "ttl", NULL));
  assert_invalid(redilock_op_set_bytes(NULL, "name", "n", 1));
  assert_invalid(redilock_op_set_bytes(op, NULL, "n", 1));
  assert_invalid(redilock_op_set_bytes(op, "name", NULL, 1));
  assert_invalid(redilock_op_set_int(NULL, "ttl", 1));
  assert_invalid(redilock_op_set_int(op, NULL, 1));
  redilock_op_cancel(NULL);
  redilock_op_reset(NULL);
  assert_true(redilock_op_status(NULL) == REDILOCK_E_INVALID || redilock_op_status(NULL) == 0);
  assert_int_equal(redilock_op_message(NULL, NULL, 0), 0);
  assert_int_equal(redilock_op_retriable(NULL), 0);
  assert_int_equal(redilock_op_position(NULL), 0);
}

static void requests_of_operations(void **state) {
  (void)state;
  redilock_lock_t *lock = (redilock_lock_t *)&lock;
  redilock_info_t *info = (redilock_info_t *)&info;
  assert_invalid(redilock_op_acquire(NULL, &lock));
  assert_null(lock);
  assert_invalid(redilock_op_acquire(op, NULL));
  assert_invalid(redilock_op_release(NULL, NULL));
  assert_invalid(redilock_op_extend(NULL, NULL));
  assert_invalid(redilock_op_break(NULL));
  assert_invalid(redilock_op_info(NULL, &info));
  assert_null(info);
  assert_invalid(redilock_op_info(op, NULL));
  assert_invalid(redilock_op_check(NULL));
}

static void requests_that_are_submitted(void **state) {
  (void)state;
  redilock_lock_t *lock = (redilock_lock_t *)&lock;
  uint64_t tag;
  int32_t fd = 7, kind, status;
  assert_invalid(redilock_op_submit_acquire(NULL, 1));
  assert_invalid(redilock_op_submit_acquire(op, 1)); /* it has no name */
  assert_invalid(redilock_op_begin_acquire(NULL, 1, &lock));
  assert_invalid(redilock_op_begin_acquire(op, 1, NULL));
  assert_invalid(redilock_op_begin_acquire(op, 1, &lock));
  assert_invalid(redilock_op_submit_release(NULL, NULL, 1));
  assert_invalid(redilock_op_submit_release(op, NULL, 1));
  assert_invalid(redilock_op_submit_extend(NULL, NULL, 1));
  assert_invalid(redilock_op_submit_extend(op, NULL, 1));
  assert_invalid(redilock_op_take_lock(NULL, &lock));
  assert_null(lock);
  assert_invalid(redilock_op_take_lock(op, NULL));
  assert_invalid(redilock_op_take_lock(op, &lock));
  assert_invalid(redilock_client_fd(NULL, &fd));
  assert_int_equal(fd, -1);
  assert_invalid(redilock_client_fd(client, NULL));
  assert_invalid(redilock_client_next(NULL, &tag, &kind, &status));
  assert_int_equal(kind, 0);
  assert_invalid(redilock_client_next(client, NULL, &kind, &status));
  assert_invalid(redilock_client_next(client, &tag, NULL, &status));
  assert_invalid(redilock_client_next(client, &tag, &kind, NULL));
}

static void a_name_that_was_not_set_is_invalid(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_info_t *info = NULL;
  assert_invalid(redilock_op_acquire(op, &lock));
  assert_non_null(strstr(message_of(op), "name"));
  assert_invalid(redilock_op_release(op, NULL));
  assert_invalid(redilock_op_extend(op, NULL));
  assert_invalid(redilock_op_break(op));
  assert_invalid(redilock_op_info(op, &info));
}

static void statistics(void **state) {
  (void)state;
  int64_t value = 7;
  assert_invalid(redilock_client_stat(NULL, "acquired", &value));
  assert_int_equal(value, 0);
  assert_invalid(redilock_client_stat(client, NULL, &value));
  assert_invalid(redilock_client_stat(client, "acquired", NULL));
  int32_t level = 7;
  char text[8] = "x";
  assert_invalid(redilock_client_log(NULL, &level, &value, text, sizeof text));
  assert_int_equal(level, 0);
  assert_string_equal(text, "");
  assert_invalid(redilock_client_log(client, NULL, &value, text, sizeof text));
  assert_invalid(redilock_client_log(client, &level, NULL, text, sizeof text));
  assert_invalid(redilock_client_log(client, &level, &value, NULL, sizeof text));
  assert_invalid(redilock_client_log(client, &level, &value, text, 0));
}

static void locks_information_and_lists(void **state) {
  (void)state;
  size_t len = 7;
  const char *name = "x";
  redilock_list_t *list = (redilock_list_t *)&list;
  assert_int_equal(redilock_lock_remaining_ms(NULL), 0);
  assert_int_equal(redilock_lock_is_held(NULL), 0);
  assert_int_equal(redilock_lock_fence(NULL), 0);
  assert_null(redilock_lock_token(NULL, &len));
  assert_int_equal(len, 0);
  assert_null(redilock_lock_name(NULL, NULL));
  assert_int_equal(redilock_info_state(NULL), 0);
  assert_null(redilock_info_label(NULL));
  assert_int_equal(redilock_info_remaining_ms(NULL), 0);
  assert_int_equal(redilock_info_waiters(NULL), 0);
  assert_null(redilock_info_waiter_label(NULL, 0));
  assert_int_equal(redilock_info_waiter_since_ms(NULL, 0), -1);
  assert_int_equal(redilock_info_waiter_polls(NULL, 0), 0);
  assert_int_equal(redilock_info_is(NULL, "t", 1), 0);
  assert_invalid(redilock_list_new(NULL, "*", 1, &list));
  assert_null(list);
  assert_invalid(redilock_list_new(client, "*", 1, NULL));
  assert_invalid(redilock_list_next(NULL, &name, &len));
  assert_null(name);
  redilock_list_cancel(NULL);
  assert_int_equal(redilock_list_message(NULL, NULL, 0), 0);
  assert_int_equal(redilock_list_retriable(NULL), 0);
  assert_status(REDILOCK_OK, redilock_list_new(client, NULL, 0, &list));
  assert_invalid(redilock_list_next(list, NULL, &len));
  assert_status(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  redilock_list_free(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(freeing_nothing_does_nothing),
      cmocka_unit_test(constants_and_options),
      cmocka_unit_test(clients_and_the_short_form),
      cmocka_unit_test(operations),
      cmocka_unit_test(requests_of_operations),
      cmocka_unit_test(requests_that_are_submitted),
      cmocka_unit_test(a_name_that_was_not_set_is_invalid),
      cmocka_unit_test(statistics),
      cmocka_unit_test(locks_information_and_lists),
  };
  return cmocka_run_group_tests_name("capi/null", tests, start, stop);
}
