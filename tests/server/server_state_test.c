/*
 * A real server in states that refuse commands: scripts flushed, memory full, a replica, a busy
 * script, no snapshots, too few replicas. SERVER with the server's words, or retried where the
 * state can pass.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/needs.h"
#include "support/redis.h"
#include "support/timing.h"

static redis_server_t *redis;
static redilock_client_t *client;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  client = client_at(redis->url, "timeout=1s");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redilock_free(client);
  redis_stop(redis);
  return 0;
}

static void expect_refusal(int64_t wait_ms, const char *words) {
  attempt_t one;
  attempt(&one, client, "refused", 5000, wait_ms);
  if (one.status != REDILOCK_E_SERVER || strstr(one.message, words) == NULL)
    fail_msg("%s, %s", redilock_status_name(one.status), one.message);
  assert_null(one.lock);
  assert_true(redilock_op_retriable(one.op));
  assert_in_range(one.ended - one.began, 0, soon_ms(2500));
  attempt_free(&one);
}

/* What a holder and a waiter do when the holder releases in the state that `enter` makes. */
static void hand_over_in_state(const char *enter, const char *leave) {
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 20000, 0), REDILOCK_OK);
  attempt_start(&waiter, client, "lock", 20000, 10000);
  assert_true(attempt_queued(&waiter));
  redis_do(redis, enter);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_true(waiter.fence > holder.fence);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(redis, "EXISTS lock redilock:1:{A@NL}:queue:lock"), 0);
  redis_do(redis, leave);
  attempt_free(&holder);
  attempt_free(&waiter);
}

static void flushed_scripts_are_sent_again(void **state) {
  (void)state;
  int64_t fence = 0;
  for (int i = 0; i < 20; ++i) {
    attempt_t one;
    redis_do(redis, "SCRIPT FLUSH");
    assert_int_equal(attempt(&one, client, "lock", 5000, 0), REDILOCK_OK);
    assert_true(one.fence > fence);
    fence = one.fence;
    redis_do(redis, "SCRIPT FLUSH");
    assert_int_equal(redilock_extend(one.lock, 6000), REDILOCK_OK);
    redis_do(redis, "SCRIPT FLUSH");
    assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
    attempt_free(&one);
  }
  hand_over_in_state("SCRIPT FLUSH", "SCRIPT FLUSH");
}

static void full_memory_refuses_acquires_alone(void **state) {
  (void)state;
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 20000, 0), REDILOCK_OK);
  redis_do(redis, "CONFIG SET maxmemory 1");
  expect_refusal(0, "OOM");
  expect_refusal(5000, "OOM");
  assert_int_equal(redilock_extend(one.lock, 30000), REDILOCK_OK);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  redis_do(redis, "CONFIG SET maxmemory 0");
  attempt_free(&one);
  hand_over_in_state("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0");
}

static void replica_refuses_until_it_is_promoted(void **state) {
  (void)state;
  redis_do(redis, "REPLICAOF 127.0.0.1 1");
  expect_refusal(0, "READONLY");
  attempt_t one;
  redilock_client_t *patient = client_at(redis->url, "timeout=20s");
  attempt_start(&one, patient, "lock", 5000, 0);
  pass_ms(300); /* it has been refused meanwhile */
  assert_false(one.done);
  redis_do(redis, "REPLICAOF NO ONE");
  assert_int_equal(attempt_join(&one), REDILOCK_OK);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
  redilock_free(patient);
}

static void renewing_holder_on_a_replica_loses_by_its_deadline(void **state) {
  (void)state;
  redilock_client_t *renewing = client_at(redis->url, "timeout=1s&renew=yes");
  attempt_t one;
  assert_int_equal(attempt(&one, renewing, "lock", 900, 0), REDILOCK_OK);
  redis_do(redis, "REPLICAOF 127.0.0.1 1");
  const int64_t demoted = now_ms();
  while (redilock_lock_is_held(one.lock)) pass_ms(1);
  assert_in_range(now_ms() - demoted, 0, soon_ms(950));
  redis_do(redis, "REPLICAOF NO ONE");
  attempt_free(&one);
  redilock_free(renewing);
}

static void *run_long_script(void *argument) {
  (void)argument;
  freeReplyObject(redis_command(redis, "EVAL %s 0", "while true do end"));
  return NULL;
}

static bool is_busy(void *argument) {
  (void)argument;
  redisReply *reply = redis_command(redis, "GET x");
  const bool busy = reply->type == REDIS_REPLY_ERROR;
  freeReplyObject(reply);
  return busy;
}

static void busy_script_is_waited_for_till_the_deadline(void **state) {
  (void)state;
  pthread_t script;
  redis_do(redis, "CONFIG SET lua-time-limit 20");
  assert_int_equal(pthread_create(&script, NULL, run_long_script, NULL), 0);
  assert_true(eventually(is_busy, NULL, 5000));
  expect_refusal(0, "BUSY");
  attempt_t one;
  redilock_client_t *patient = client_at(redis->url, "timeout=20s");
  attempt_start(&one, patient, "lock", 5000, 0);
  pass_ms(300);
  assert_false(one.done);
  redis_do(redis, "SCRIPT KILL");
  pthread_join(script, NULL);
  assert_int_equal(attempt_join(&one), REDILOCK_OK);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
  redilock_free(patient);
}

static bool one_is_queued(void *unused) {
  (void)unused;
  return redis_integer(redis, "ZCARD redilock:1:{A@NL}:queue:lock") == 1;
}

/* Else the place would stand for as long as another waits by the same client. */
static void place_is_given_up_once_a_script_ends_that_was_busy_for_longer_than_the_ttl(
    void **state) {
  (void)state;
  pthread_t script;
  attempt_t holder, waiting, given_up;
  redilock_client_t *hasty = client_at(redis->url, "timeout=200ms");
  redis_do(redis, "CONFIG SET lua-time-limit 20");
  assert_int_equal(attempt(&holder, client, "lock", 60000, 0), REDILOCK_OK);
  attempt_start(&waiting, hasty, "lock", 60000, 60000);
  assert_true(attempt_queued(&waiting));
  attempt_start(&given_up, hasty, "lock", 300, 500);
  assert_true(attempt_queued(&given_up));
  assert_int_equal(pthread_create(&script, NULL, run_long_script, NULL), 0);
  assert_true(eventually(is_busy, NULL, 5000));
  assert_int_equal(attempt_join(&given_up), REDILOCK_E_UNKNOWN);
  pass_ms(1500);
  redis_do(redis, "SCRIPT KILL");
  pthread_join(script, NULL);
  assert_true(eventually(one_is_queued, NULL, 5000));
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiting), REDILOCK_OK);
  assert_int_equal(redilock_release(waiting.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&waiting);
  attempt_free(&given_up);
  redilock_free(hasty);
}

static bool cannot_save(void *server) {
  redisReply *reply = redis_command(server, "SET x 1");
  const bool refused = reply->type == REDIS_REPLY_ERROR;
  freeReplyObject(reply);
  return refused;
}

static void server_that_cannot_save_refuses(void **state) {
  (void)state;
  char folder[] = "/tmp/redilock-gone-XXXXXX";
  assert_non_null(mkdtemp(folder));
  const char *const args[] = {"--dir", folder, NULL};
  redis_server_t *ordinary = redis;
  redilock_client_t *its_client = client;
  redis = redis_start(args);
  client = client_at(redis->url, "timeout=1s");
  redis_do(redis, "CONFIG SET save %s", "3600 1"); /* as an option it differs between versions */
  assert_int_equal(rmdir(folder), 0); /* root may write everywhere, but not to where nothing is */
  redis_do(redis, "BGSAVE");
  assert_true(eventually(cannot_save, redis, 5000));
  expect_refusal(0, "MISCONF");
  expect_refusal(5000, "MISCONF");
  redis_do(redis, "CONFIG SET stop-writes-on-bgsave-error no");
  attempt_and_release(client, "lock");
  redilock_free(client);
  redis_stop(redis);
  redis = ordinary;
  client = its_client;
}

static bool scripts_need_replicas(void) {
  redis_do(redis, "CONFIG SET min-replicas-to-write 1");
  const bool refused = !redis_accepts(redis, "EVAL return(redis.call('SET','probe','')) 0");
  redis_do(redis, "CONFIG SET min-replicas-to-write 0");
  redis_do(redis, "DEL probe");
  return refused;
}

static void too_few_replicas_refuse(void **state) {
  (void)state;
  if (!scripts_need_replicas()) {
    print_message("skipped: this server lets scripts write without enough replicas\n");
    skip();
  }
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 20000, 0), REDILOCK_OK);
  redis_do(redis, "CONFIG SET min-replicas-to-write 1");
  expect_refusal(0, "NOREPLICAS");
  expect_refusal(5000, "NOREPLICAS");
  assert_int_equal(redilock_release(one.lock), REDILOCK_E_SERVER);
  redis_do(redis, "CONFIG SET min-replicas-to-write 0");
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
}

static void loading_server_is_waited_for(void **state) {
  (void)state;
  const struct fake_step steps[] = {
      {"CLIENT", FAKE_SEND, "-LOADING Redis is loading the dataset in memory\r\n", 3},
      {"EVALSHA", FAKE_SEND, "-LOADING Redis is loading the dataset in memory\r\n", 2},
      {"EVALSHA", FAKE_SEND, ":1700000000000000\r\n", 0},
      {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *patient = client_at(fake_server_url(fake), "timeout=10s");
  attempt_t one;
  assert_int_equal(attempt(&one, patient, "lock", 60000, 0), REDILOCK_OK);
  assert_int_equal(fake_server_count(fake, "EVALSHA"), 3);
  attempt_free(&one);
  redilock_free(patient);
  fake_server_stop(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flushed_scripts_are_sent_again),
      cmocka_unit_test(full_memory_refuses_acquires_alone),
      cmocka_unit_test(replica_refuses_until_it_is_promoted),
      cmocka_unit_test(renewing_holder_on_a_replica_loses_by_its_deadline),
      cmocka_unit_test(busy_script_is_waited_for_till_the_deadline),
      cmocka_unit_test(place_is_given_up_once_a_script_ends_that_was_busy_for_longer_than_the_ttl),
      cmocka_unit_test(server_that_cannot_save_refuses),
      cmocka_unit_test(too_few_replicas_refuse),
      cmocka_unit_test(loading_server_is_waited_for),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
