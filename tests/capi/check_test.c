/* redilock_op_check of redilock.h: it finds what is wrong, and changes nothing. The permissions, one by
 * one, are in tests/scripts/cli_check_test.sh. */
#include <string.h>

#include "support/attempt.h"
#include "support/fake_server.h"
#include "support/locks.h"
#include "support/needs.h"
#include "support/one_client.h"
#include "support/side_keys.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with(NULL);
}

static void good_server_is_named_and_nothing_remains(void **state) {
  (void)state;
  redilock_op_t *op = new_op(client, NULL);
  for (int i = 0; i < 2; ++i) {
    assert_status(REDILOCK_OK, redilock_op_check(op));
    const char *message = message_of(op);
    assert_memory_equal(message, server->socket, strlen(server->socket));
    const char *version = message + strlen(server->socket);
    assert_true(strncmp(version, ": Redis ", 8) == 0 || strncmp(version, ": Valkey ", 9) == 0 ||
                strcmp(version, ": a server of unknown kind") == 0 /* Redis 5.0 */);
    assert_int_equal(redilock_op_retriable(op), 0);
  }
  assert_int_equal(redis_integer(server, "DBSIZE"), 0);
  redilock_op_free(op);
}

static void holder_and_waiters_are_not_disturbed(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 60000);
  waiter_t *waiter = start_waiter(client, "job", "wait=20s&ttl=20s");
  redilock_op_t *op = new_op(client, "job");
  char fence[32], same[32];
  assert_true(redis_text(server, fence, sizeof fence, "GET %s", fence_of("job")));
  assert_status(REDILOCK_OK, redilock_op_check(op));
  assert_true(redis_text(server, same, sizeof same, "GET %s", fence_of("job")));
  assert_string_equal(same, fence);
  assert_int_equal(redis_integer(server, "ZCARD %s", queue_of("job")), 1);
  assert_in_range(redis_integer(server, "PTTL job"), 50000, 60000);
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  redilock_op_free(op);
  free_waiter(waiter);
}

static void cancel_ends_the_check(void **state) {
  (void)state;
  redilock_op_t *op = new_op(client, "job");
  redilock_op_cancel(op);
  assert_status(REDILOCK_E_CANCELLED, redilock_op_check(op));
  assert_status(REDILOCK_OK, redilock_op_check(op));
  redilock_op_free(op);
}

static void silent_server_is_unavailable_after_the_timeout(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"EVAL", FAKE_SILENT, NULL, 0}, {NULL, FAKE_SEND, NULL, 0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *at_fake = client_at(fake_server_url(fake), "timeout=300ms");
  redilock_op_t *op = new_op(at_fake, "job");
  const int64_t began = now_ms();
  assert_status(REDILOCK_E_UNAVAILABLE, redilock_op_check(op));
  assert_in_range(now_ms() - began, 300, soon_ms(5000));
  assert_int_equal(redilock_op_retriable(op), 1);
  redilock_op_free(op);
  redilock_free(at_fake);
  fake_server_stop(fake);
}

static void wrong_reply_is_no_success(void **state) {
  (void)state;
  const char *const replies[] = {"$2\r\nno\r\n", "*1\r\n$3\r\nget\r\n", "*0\r\n*0\r\n"};
  for (size_t i = 0; i < sizeof replies / sizeof *replies; ++i) {
    const struct fake_step steps[] = {{"EVAL", FAKE_SEND, ":0\r\n", 6},
                                      {"EVAL", FAKE_SEND, replies[i], 0},
                                      {NULL, FAKE_SEND, NULL, 0}};
    fake_server_t *fake = fake_server_start(steps);
    redilock_client_t *at_fake = client_at(fake_server_url(fake), "timeout=5s");
    redilock_op_t *op = new_op(at_fake, "job");
    assert_status(REDILOCK_E_PROTOCOL, redilock_op_check(op));
    redilock_op_free(op);
    redilock_free(at_fake);
    fake_server_stop(fake);
  }
}

/* A permission that a pooled connection still has is asked for again. */
static void permission_that_was_taken_away_is_missed(void **state) {
  (void)state;
  needs_users(server);
  redis_do(server, "ACL SETUSER worker reset on >password ~* +@all");
  redilock_client_t *worker = new_client(server, "username=worker&password=password");
  redilock_op_t *op = new_op(worker, "job");
  give(take(worker, "job", 20000));
  redis_do(server, "ACL SETUSER worker -getset");
  assert_status(REDILOCK_E_AUTH, redilock_op_check(op));
  assert_non_null(strstr(message_of(op), "the permission +getset is missing"));
  assert_null(strstr(message_of(op), "password"));
  assert_int_equal(redilock_op_retriable(op), 0);
  redis_do(server, "ACL SETUSER worker >other <password");
  assert_status(REDILOCK_E_AUTH, redilock_op_check(op));
  redilock_op_free(op);
  redilock_free(worker);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(good_server_is_named_and_nothing_remains),
      CASE(holder_and_waiters_are_not_disturbed),
      CASE(cancel_ends_the_check),
      CASE(silent_server_is_unavailable_after_the_timeout),
      CASE(wrong_reply_is_no_success),
      CASE(permission_that_was_taken_away_is_missed),
  };
  return cmocka_run_group_tests_name("capi/check", tests, start_server, stop_server);
}
