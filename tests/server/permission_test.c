/*
 * Credentials and permissions that do not suffice: AUTH, told with what is missing and never with
 * the password, and asked once, since asking again does not help.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/needs.h"
#include "support/redis.h"
#include "support/timing.h"

#define PASSWORD "tops3cret"
#define ALL "~* +@all "

static redis_server_t *redis;

static int set_up(void **state) {
  (void)state;
  const char *const args[] = {"--requirepass", PASSWORD, NULL};
  redis = redis_start(args);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redis_stop(redis);
  return 0;
}

static int64_t connections(void) {
  char info[8192];
  redis_text(redis, info, sizeof info, "INFO stats");
  return strtoll(strstr(info, "total_connections_received:") + 27, NULL, 10);
}

static void expect_auth(const char *options, int64_t wait_ms, const char *words) {
  redilock_client_t *client = client_at(redis->url, options);
  attempt_t one;
  const int64_t before = connections();
  attempt(&one, client, "lock", 5000, wait_ms);
  /* Redis 6.2 and 7.0 do not say which command of a script it was. */
  const bool told = strstr(one.message, words) != NULL ||
                    strstr(one.message, "can't run this command or subcommand") != NULL;
  if (one.status != REDILOCK_E_AUTH || !told)
    fail_msg("%s: %s, %s", options, redilock_status_name(one.status), one.message);
  assert_null(strstr(one.message, PASSWORD));
  assert_null(strstr(one.message, "wr0ng"));
  assert_null(one.lock);
  assert_false(redilock_op_retriable(one.op));
  assert_in_range(one.ended - one.began, 0, soon_ms(1500));
  assert_in_range(connections() - before, 1, 5);
  attempt_free(&one);
  redilock_free(client);
}

/* The rules may take away the channels again, which come first. */
static void set_worker(const char *rules) {
  char command[256];
  snprintf(command, sizeof command, "ACL SETUSER worker reset on >" PASSWORD " %s %s",
           all_channels(redis), rules);
  redis_do(redis, command);
}

static void expect_auth_for_worker(const char *rules, int64_t wait_ms, const char *words) {
  set_worker(rules);
  expect_auth("username=worker&password=" PASSWORD, wait_ms, words);
}

static void missing_password_is_told(void **state) {
  (void)state;
  expect_auth("timeout=5s", 0, "NOAUTH");
  expect_auth("timeout=5s", 20000, "NOAUTH");
}

static void wrong_password_is_told_without_it(void **state) {
  (void)state;
  expect_auth("password=wr0ng", 0, "invalid");
  expect_auth("password=wr0ng", 20000, "invalid");
}

static void wrong_user_is_told_without_the_password(void **state) {
  (void)state;
  needs_users(redis);
  expect_auth("username=nobody&password=wr0ng", 0, "WRONGPASS");
}

static void password_where_none_is_set_is_told(void **state) {
  (void)state;
  redis_server_t *open = redis_start(NULL);
  redilock_client_t *client = client_at(open->url, "password=wr0ng");
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 5000, 0), REDILOCK_E_AUTH);
  assert_null(strstr(one.message, "wr0ng"));
  attempt_free(&one);
  redilock_free(client);
  redis_stop(open);
}

static void forbidden_commands_are_named(void **state) {
  (void)state;
  needs_users(redis);
  expect_auth_for_worker(ALL "-evalsha", 0, "evalsha");
  expect_auth_for_worker(ALL "-set", 0, "set");
  expect_auth_for_worker(ALL "-time", 0, "time");
}

static void forbidden_keys_are_told(void **state) {
  (void)state;
  needs_users(redis);
  expect_auth_for_worker("~redilock:* +@all", 0, "key");
  expect_auth_for_worker("~lock +@all", 0, "key");
}

static void forbidden_channels_are_told(void **state) {
  (void)state;
  needs(redis, "ACL SETUSER worker resetchannels", "rules for channels");
  redis_do(redis, "SET lock foreign PX 60000");
  expect_auth_for_worker("~* resetchannels +@all", 20000, "channel");
  redis_do(redis, "DEL lock");
}

static void forbidden_waiting_is_told(void **state) {
  (void)state;
  needs_users(redis);
  redis_do(redis, "SET lock foreign PX 60000");
  expect_auth_for_worker(ALL "-subscribe", 20000, "subscribe");
  expect_auth_for_worker(ALL "-zadd", 20000, "zadd");
  expect_auth_for_worker("~lock ~redilock:1:{*}:queue:* ~redilock:1:{*}:fence +@all", 20000, "key");
  assert_int_equal(redis_integer(redis, "EXISTS redilock:1:{A@NL}:queue:lock redilock:1:{}:alive"),
                   0);
  redis_do(redis, "DEL lock");
}

static void permission_that_is_taken_away_ends_the_wait(void **state) {
  (void)state;
  needs_users(redis);
  redis_do(redis, "SET lock foreign PX 60000");
  set_worker(ALL);
  redilock_client_t *client = client_at(redis->url, "username=worker&password=" PASSWORD);
  attempt_t one;
  attempt_start(&one, client, "lock", 5000, 20000);
  assert_true(attempt_queued(&one));
  redis_do(redis, "ACL SETUSER worker -evalsha");
  assert_true(attempt_done(&one, 5000));
  assert_int_equal(attempt_join(&one), REDILOCK_E_AUTH);
  attempt_free(&one);
  redilock_free(client);
  redis_do(redis, "DEL lock");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(missing_password_is_told),
      cmocka_unit_test(wrong_password_is_told_without_it),
      cmocka_unit_test(wrong_user_is_told_without_the_password),
      cmocka_unit_test(password_where_none_is_set_is_told),
      cmocka_unit_test(forbidden_commands_are_named),
      cmocka_unit_test(forbidden_keys_are_told),
      cmocka_unit_test(forbidden_channels_are_told),
      cmocka_unit_test(forbidden_waiting_is_told),
      cmocka_unit_test(permission_that_is_taken_away_ends_the_wait),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
