/*
 * Requests that were given up and run late: the proxy keeps their bytes and delivers them when the
 * client has gone on. Nothing of them may stay, whether the server lets connections be killed or
 * not.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/needs.h"
#include "support/proxy.h"
#include "support/redis.h"
#include "support/timing.h"

#define QUEUE "redilock:1:{A@NL}:queue:lock"

static redis_server_t *redis;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redis_stop(redis);
  return 0;
}

static bool nothing_left(void *argument) {
  (void)argument;
  return redis_integer(redis, "EXISTS lock " QUEUE) == 0;
}

/* Gives up an acquire whose request is held back, lets it run, and looks at what stays. */
/* The timeout of the client is short: on a busy machine one request may take longer. */
static bool can_take(void *client) {
  attempt_t one;
  const bool taken = attempt(&one, client, "lock", 10000, 10000) == REDILOCK_OK;
  if (taken) assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
  return taken;
}

static void given_up_acquire(const char *options, int64_t wait_ms) {
  redis_do(redis, "FLUSHALL");
  proxy_t *proxy = proxy_start(redis->socket);
  redilock_client_t *client = client_at(proxy_url(proxy), options);
  attempt_t one;
  proxy_fail(proxy, PROXY_HOLD, "EVALSHA", 1, 0);
  attempt(&one, client, "lock", 3000, wait_ms);
  assert_int_equal(one.status, REDILOCK_E_UNKNOWN);
  proxy_release(proxy);
  assert_true(proxy_held_none(proxy));
  assert_true(eventually(nothing_left, NULL, 2000));
  pass_ms(400); /* a few rounds of undoing later */
  assert_true(nothing_left(NULL));
  assert_true(eventually(can_take, client, 10000));
  attempt_free(&one);
  redilock_free(client);
  proxy_stop(proxy);
}

/* A re-check of a waiter is held back; the waiter gives up; the re-check runs. */
static void given_up_recheck(const char *options, bool killed) {
  redis_do(redis, "FLUSHALL");
  proxy_t *proxy = proxy_start(redis->socket);
  redilock_client_t *client = client_at(proxy_url(proxy), options);
  attempt_t waiter;
  redis_do(redis, "SET lock foreign PX 60000"); /* looked at every 250 ms */
  attempt_start(&waiter, client, "lock", 3000, 1500);
  assert_true(attempt_queued(&waiter));
  proxy_fail(proxy, PROXY_HOLD, "EVALSHA", 1, 0);
  assert_true(proxy_struck(proxy, 1));
  attempt_join(&waiter);
  assert_null(waiter.lock);
  if (waiter.status != REDILOCK_E_TIMEOUT) assert_int_equal(waiter.status, REDILOCK_E_UNKNOWN);
  if (killed) assert_int_equal(waiter.status, REDILOCK_E_TIMEOUT);
  redis_do(redis, "DEL lock");
  proxy_release(proxy);
  assert_true(proxy_held_none(proxy));
  assert_true(eventually(nothing_left, NULL, 2000));
  pass_ms(400);
  assert_true(nothing_left(NULL));
  attempt_free(&waiter);
  redilock_free(client);
  proxy_stop(proxy);
}

static bool one_waits(void *argument) {
  (void)argument;
  return redis_integer(redis, "ZCARD " QUEUE) == 1;
}

/* The re-check of a waiter is held back while its grant is pushed; the server loses the grant; the
 * re-check runs and queues the holder again. Its place goes with the release. */
static void place_of_a_lost_grant_goes_with_the_release(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  proxy_t *proxy = proxy_start(redis->socket);
  redilock_client_t *client = client_at(proxy_url(proxy), "timeout=500ms");
  redilock_client_t *breaker = client_at(redis->url, NULL);
  redilock_op_t *breaking;
  assert_int_equal(redilock_op_new(breaker, &breaking), REDILOCK_OK);
  assert_int_equal(redilock_op_set(breaking, "name", "lock"), REDILOCK_OK);
  attempt_t waiter;
  redis_do(redis, "SET lock foreign PX 60000"); /* looked at every 250 ms */
  attempt_start(&waiter, client, "lock", 60000, 10000);
  assert_true(attempt_queued(&waiter));
  proxy_fail(proxy, PROXY_HOLD, "EVALSHA", 1, 0);
  assert_true(proxy_struck(proxy, 1));
  assert_int_equal(redilock_op_break(breaking), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "SET lock foreign PX 60000");
  proxy_release(proxy);
  assert_true(eventually(one_waits, NULL, 2000));
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_E_LOST);
  assert_int_equal(redis_integer(redis, "EXISTS " QUEUE), 0);
  attempt_free(&waiter);
  redilock_op_free(breaking);
  redilock_free(breaker);
  redilock_free(client);
  proxy_stop(proxy);
}

static bool lock_is_free(void *argument) {
  (void)argument;
  return redis_integer(redis, "EXISTS lock") == 0;
}

/* What a late request of a waiter whose wait has ended may come to: the lock is its own, and the grant
 * is pushed. */
static void grant_late(const char *member) {
  char channel[128], id[33], token[128], payload[128];
  assert_int_equal(sscanf(member, "%*s %127s %127s", channel, token), 2);
  assert_int_equal(sscanf(token, "redilock:%32s", id), 1);
  snprintf(payload, sizeof payload, "%s 1700000000000000 1700000000000000", id);
  redis_do(redis, "SET lock %s PX 60000", token);
  redis_do(redis, "PUBLISH %s %s", channel, payload);
}

static void first_in_queue(char *member, size_t size) {
  redisReply *reply = redis_command(redis, "ZRANGE " QUEUE " 0 0");
  assert_int_equal(reply->elements, 1);
  snprintf(member, size, "%s", reply->element[0]->str);
  freeReplyObject(reply);
}

static void grant_after_the_end_of_a_wait_is_given_back(void **state) {
  (void)state;
  char member[256];
  redis_do(redis, "FLUSHALL");
  redilock_client_t *client = client_at(redis->url, NULL);
  attempt_t other, waiter; /* the other one listens */
  redis_do(redis, "MSET other foreign lock foreign");
  attempt_start(&other, client, "other", 5000, 60000);
  assert_true(attempt_queued(&other));

  attempt_start(&waiter, client, "lock", 5000, slow_ms(500));
  assert_true(attempt_queued(&waiter));
  first_in_queue(member, sizeof member);
  assert_int_equal(attempt_join(&waiter), REDILOCK_E_TIMEOUT);
  grant_late(member);
  assert_true(eventually(lock_is_free, NULL, 5000));

  redis_do(redis, "SET lock foreign");
  redilock_op_t *submitted = submit(client, "lock", "ttl=5s&wait=1s", 1);
  assert_true(eventually(one_waits, NULL, 2000));
  first_in_queue(member, sizeof member);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_TIMEOUT);
  grant_late(member);
  assert_true(eventually(lock_is_free, NULL, 5000));

  redis_do(redis, "DEL other");
  assert_int_equal(attempt_join(&other), REDILOCK_OK);
  redilock_op_free(submitted);
  attempt_free(&waiter);
  attempt_free(&other);
  redilock_free(client);
}

static void late_acquire_is_killed(void **state) {
  (void)state;
  given_up_acquire("timeout=500ms", 0);
}

static void late_recheck_is_killed(void **state) {
  (void)state;
  needs(redis, "CLIENT INFO", "CLIENT INFO, so no connection is killed");
  given_up_recheck("timeout=500ms", true);
}

static bool nobody_queued(void *argument) {
  (void)argument;
  return redis_integer(redis, "EXISTS " QUEUE) == 0;
}

/* The server cannot be told of a place given up until long after the ttl: then it still is. */
static void place_is_given_up_when_the_link_is_back(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "SET lock foreign PX 60000");
  proxy_t *proxy = proxy_start(redis->socket);
  redilock_client_t *client = client_at(proxy_url(proxy), "timeout=300ms");
  attempt_t one;
  attempt_start(&one, client, "lock", 100, 1000);
  assert_true(attempt_queued(&one));
  proxy_fail(proxy, PROXY_DROP, "EVALSHA", 1000000, 0);
  assert_int_equal(attempt_join(&one), REDILOCK_E_UNKNOWN);
  pass_ms(1000); /* ten times the ttl */
  assert_false(nobody_queued(NULL));
  proxy_fail(proxy, PROXY_NONE, "EVALSHA", 0, 0);
  assert_true(eventually(nobody_queued, NULL, 3000));
  attempt_free(&one);
  redilock_free(client);
  proxy_stop(proxy);
}

static void allow(const char *rules) {
  char command[512];
  snprintf(command, sizeof command, "ACL SETUSER worker reset on >secret ~* %s +@all %s",
           all_channels(redis), rules);
  redis_do(redis, command);
}

static void late_acquire_is_undone_where_kill_is_forbidden(void **state) {
  (void)state;
  needs_users(redis);
  allow("-client +client|info");
  given_up_acquire("timeout=500ms&username=worker&password=secret", 0);
}

static void late_acquire_is_undone_where_the_address_is_hidden(void **state) {
  (void)state;
  needs_users(redis);
  allow("-client");
  given_up_acquire("timeout=500ms&username=worker&password=secret", 0);
}

static void late_recheck_is_undone_where_kill_is_forbidden(void **state) {
  (void)state;
  needs_users(redis);
  allow("-client +client|info");
  given_up_recheck("timeout=500ms&username=worker&password=secret", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grant_after_the_end_of_a_wait_is_given_back),
      cmocka_unit_test(late_acquire_is_killed),
      cmocka_unit_test(late_recheck_is_killed),
      cmocka_unit_test(place_is_given_up_when_the_link_is_back),
      cmocka_unit_test(place_of_a_lost_grant_goes_with_the_release),
      cmocka_unit_test(late_acquire_is_undone_where_kill_is_forbidden),
      cmocka_unit_test(late_acquire_is_undone_where_the_address_is_hidden),
      cmocka_unit_test(late_recheck_is_undone_where_kill_is_forbidden),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
