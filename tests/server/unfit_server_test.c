/*
 * Servers that cannot keep locks, or lack something: UNSUPPORTED for every call, with what it is and
 * what it lacks. A server that only hides who it is keeps locks like any other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/needs.h"
#include "support/redis.h"

static const char kToken[] = "redilock:0123456789abcdef0123456789abcdef:me";

/* ---------------------------------------------------------------- every call */

enum call { kTry, kWait, kBreak, kReleaseToken, kExtendToken, kInfo, kCheck, kList, kCalls };

static redilock_op_t *make_call(enum call call, redilock_client_t *client, int32_t *status) {
  redilock_op_t *op = new_op(client, "lock");
  redilock_lock_t *lock = NULL;
  redilock_info_t *info = NULL;
  redilock_list_t *list = NULL;
  const char *name = NULL;
  if (call == kTry) set_options(op, "wait=0");
  if (call == kWait) set_options(op, "wait=20s");
  if (call == kReleaseToken || call == kExtendToken)
    assert_int_equal(redilock_op_set(op, "token", kToken), REDILOCK_OK);
  if (call == kTry || call == kWait) *status = redilock_op_acquire(op, &lock);
  if (call == kBreak) *status = redilock_op_break(op);
  if (call == kReleaseToken) *status = redilock_op_release(op, NULL);
  if (call == kExtendToken) *status = redilock_op_extend(op, NULL);
  if (call == kInfo) *status = redilock_op_info(op, &info);
  if (call == kCheck) *status = redilock_op_check(op);
  if (call == kList && redilock_list_new(client, NULL, 0, &list) == REDILOCK_OK)
    *status = redilock_list_next(list, &name, NULL);
  assert_null(lock);
  assert_null(info);
  assert_null(name);
  redilock_list_free(list);
  return op;
}

/* The message of a list is not that of its operation. */
static void expect_unsupported(const char *url, const char *options, const char *words) {
  redilock_client_t *client = client_at(url, options);
  for (enum call call = kTry; call < kCalls; ++call) {
    int32_t status = REDILOCK_OK;
    redilock_op_t *op = make_call(call, client, &status);
    if (status != REDILOCK_E_UNSUPPORTED)
      fail_msg("call %d: %s, %s", (int)call, redilock_status_name(status), message_of(op));
    if (call != kList && strstr(message_of(op), words) == NULL)
      fail_msg("call %d: \"%s\" lacks \"%s\"", (int)call, message_of(op), words);
    redilock_op_free(op);
  }
  redilock_op_t *op = submit(client, "lock", "wait=20s", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_UNSUPPORTED);
  redilock_op_free(op);
  redilock_free(client);
}

/* ---------------------------------------------------------------- the cases */

static void cluster_node_is_refused_by_every_call(void **state) {
  (void)state;
  const char *const args[] = {"--cluster-enabled", "yes", NULL};
  redis_server_t *node = redis_start(args);
  expect_unsupported(node->url, "timeout=5s", "cluster node");
  expect_unsupported(node->url, "timeout=5s&db=3", "cluster node");
  redis_stop(node);
}

#define HELLO(mode)                                                                       \
  "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$4\r\nmode\r\n$" \
  "8\r\n" mode "\r\n"

static void sentinel_is_refused_by_every_call(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"HELLO", FAKE_SEND, HELLO("sentinel"), 0}, {0}};
  fake_server_t *fake = fake_server_start(steps);
  expect_unsupported(fake_server_url(fake), "timeout=5s", "Sentinel");
  assert_int_equal(fake_server_count(fake, "EVALSHA"), 0);
  fake_server_stop(fake);
}

static void old_server_is_refused_by_every_call(void **state) {
  (void)state;
  const struct fake_step steps[] = {
      {"HELLO", FAKE_SEND, "-ERR unknown command 'HELLO'\r\n", 0},
      {"CLIENT", FAKE_SEND, "-ERR Syntax error, try CLIENT (LIST | KILL)\r\n", 0},
      {"INFO", FAKE_SEND, "$32\r\n# Server\r\nredis_version:4.0.14\r\n\r\n", 0},
      {0}};
  fake_server_t *fake = fake_server_start(steps);
  expect_unsupported(fake_server_url(fake), "timeout=5s",
                     "needs Redis 5.0 or later, this is 4.0.14");
  assert_int_equal(fake_server_count(fake, "EVALSHA"), 0);
  fake_server_stop(fake);
}

static void expect_lack(const char *const *args, const char *command) {
  redis_server_t *redis = redis_start(args);
  redilock_client_t *client = client_at(redis->url, "timeout=5s");
  attempt_t one;
  char words[64];
  attempt(&one, client, "lock", 5000, 0);
  if (one.status != REDILOCK_E_UNSUPPORTED)
    fail_msg("%s, %s", redilock_status_name(one.status), one.message);
  assert_false(redilock_op_retriable(one.op));
  snprintf(words, sizeof words, " does not support %s as redilock uses it", command);
  const char *found = strstr(one.message, words);
  if (found == NULL || found == one.message || strchr(one.message, '.') > found)
    fail_msg("\"%s\" lacks the version or \"%s\"", one.message, words);
  attempt_free(&one);
  redilock_free(client);
  redis_stop(redis);
}

static void missing_scripts_are_named(void **state) {
  (void)state;
  const char *const args[] = {"--rename-command", "EVALSHA", "", NULL};
  expect_lack(args, "EVALSHA");
}

static void missing_command_of_a_script_is_named(void **state) {
  (void)state;
  const char *const args[] = {"--rename-command", "TIME", "", NULL};
  expect_lack(args, "TIME");
}

/* Only abandoned connections cannot be ended there. */
static void server_that_hides_who_it_is_keeps_locks(void **state) {
  (void)state;
  const char *const args[] = {"--rename-command",
                              "CLIENT",
                              "",
                              "--rename-command",
                              "INFO",
                              "",
                              "--rename-command",
                              "HELLO",
                              "",
                              NULL};
  const char *const args_without_hello[] = {args[0], args[1], args[2], args[3],
                                            args[4], args[5], NULL};
  redis_server_t *plain = redis_start(NULL);
  const bool has_hello = redis_accepts(plain, "HELLO 2"); /* from Redis 6.0 on */
  redis_stop(plain);
  redis_server_t *redis = redis_start(has_hello ? args : args_without_hello);
  redilock_client_t *client = client_at(redis->url, "timeout=5s&db=2");
  for (int i = 0; i < 3; ++i) assert_true(attempt_and_release(client, "lock") > 0);
  redilock_free(client);
  redis_stop(redis);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cluster_node_is_refused_by_every_call),
      cmocka_unit_test(sentinel_is_refused_by_every_call),
      cmocka_unit_test(old_server_is_refused_by_every_call),
      cmocka_unit_test(missing_scripts_are_named),
      cmocka_unit_test(missing_command_of_a_script_is_named),
      cmocka_unit_test(server_that_hides_who_it_is_keeps_locks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
