/*
 * Keys of other types where redilock keeps its own: SERVER with WRONGTYPE, and nothing half done,
 * which is shown by the whole keyspace being the same before and after.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"

#define LOCK "lock"
#define QUEUE "redilock:1:{A@NL}:queue:lock"
#define ALIVE "redilock:1:{}:alive"
#define FENCE "redilock:1:{A@NL}:fence"

static redis_server_t *redis;
static redilock_client_t *client;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  client = client_at(redis->url, "timeout=2s");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redilock_free(client);
  redis_stop(redis);
  return 0;
}

/* A digest of all keys and values; it leaves out times to live. */
static void digest(char *out, size_t size) {
  redis_text(redis, out, size, "EVAL %s 0",
             "local keys, all = redis.call('KEYS', '*'), ''\n"
             "table.sort(keys)\n"
             "for _, key in ipairs(keys) do all = all .. key .. redis.call('DUMP', key) end\n"
             "return redis.sha1hex(all)");
}

static void expect_wrongtype(int32_t status, const char *message) {
  assert_int_equal(status, REDILOCK_E_SERVER);
  if (message != NULL && strstr(message, "WRONGTYPE") == NULL) fail_msg("%s", message);
}

static void expect_acquire_refused(int64_t wait_ms) {
  char before[64], after[64];
  attempt_t one;
  digest(before, sizeof before);
  attempt(&one, client, LOCK, 5000, wait_ms);
  expect_wrongtype(one.status, one.message);
  assert_null(one.lock);
  assert_false(redilock_op_retriable(one.op));
  digest(after, sizeof after);
  assert_string_equal(before, after);
  attempt_free(&one);
}

static void lock_key_of_another_type(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "HSET " LOCK " field value");
  expect_acquire_refused(0);
  expect_acquire_refused(10000);
}

static void queue_key_of_another_type(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "SET " QUEUE " text");
  expect_acquire_refused(0);
  expect_acquire_refused(10000);
  redis_do(redis, "SET " LOCK " foreign PX 60000");
  expect_acquire_refused(10000);
}

static void client_records_of_another_type(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "SET " ALIVE " text");
  redis_do(redis, "SET " LOCK " foreign PX 60000");
  expect_acquire_refused(10000);
  redis_do(redis, "DEL " LOCK);
  redis_do(redis, "ZADD " QUEUE " 1 %s",
           "5000 redilock:1:{}:wake:x redilock:00000000000000000000000000000000:x");
  expect_acquire_refused(0);
  expect_acquire_refused(10000);
}

static void fence_of_another_type(void **state) {
  (void)state;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "LPUSH " FENCE " element");
  expect_acquire_refused(0);
  expect_acquire_refused(10000);
  redis_do(redis, "SET " LOCK " foreign PX 60000");
  expect_acquire_refused(10000);
}

/* A holder whose keys are spoilt cannot hand over, holds on, and can once they are mended. */
static void holder_of_spoilt_keys(const char *key) {
  char before[64], after[64];
  attempt_t holder, waiter;
  redis_do(redis, "FLUSHALL");
  assert_int_equal(attempt(&holder, client, LOCK, 60000, 0), REDILOCK_OK);
  redilock_client_t *other = client_at(redis->url, NULL);
  attempt_start(&waiter, other, LOCK, 60000, 10000);
  assert_true(attempt_queued(&waiter));
  redis_do(redis, "DEL %s", key);
  redis_do(redis, "XADD %s * field value", key);
  digest(before, sizeof before);
  expect_wrongtype(redilock_release(holder.lock), NULL);
  digest(after, sizeof after);
  assert_string_equal(before, after);
  assert_true(redilock_lock_is_held(holder.lock));
  redis_do(redis, "DEL %s", key);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  attempt_join(&waiter);
  if (waiter.status == REDILOCK_OK) assert_true(waiter.fence > holder.fence);
  if (waiter.status != REDILOCK_OK) expect_wrongtype(waiter.status, waiter.message);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(other);
}

static void release_with_spoilt_side_keys(void **state) {
  (void)state;
  holder_of_spoilt_keys(ALIVE);
  holder_of_spoilt_keys(QUEUE);
  holder_of_spoilt_keys(FENCE);
}

static void release_of_a_lock_key_of_another_type(void **state) {
  (void)state;
  attempt_t one;
  redis_do(redis, "FLUSHALL");
  assert_int_equal(attempt(&one, client, LOCK, 60000, 0), REDILOCK_OK);
  redis_do(redis, "DEL " LOCK);
  redis_do(redis, "HSET " LOCK " field value");
  expect_wrongtype(redilock_extend(one.lock, 90000), NULL);
  expect_wrongtype(redilock_release(one.lock), NULL);
  assert_int_equal(redis_integer(redis, "HLEN " LOCK), 1);
  attempt_free(&one);
}

static void looking_at_and_breaking_a_key_of_another_type(void **state) {
  (void)state;
  redilock_op_t *op = NULL;
  redilock_info_t *info = NULL;
  redis_do(redis, "FLUSHALL");
  redis_do(redis, "HSET " LOCK " field value");
  assert_int_equal(redilock_op_new(client, &op), REDILOCK_OK);
  redilock_op_set(op, "name", LOCK);
  assert_int_equal(redilock_op_info(op, &info), REDILOCK_OK);
  assert_int_equal(redilock_info_state(info), REDILOCK_STATE_FOREIGN);
  redilock_info_free(info);
  assert_int_equal(redilock_op_break(op), REDILOCK_OK);
  assert_int_equal(redis_integer(redis, "EXISTS " LOCK), 0);
  redilock_op_free(op);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lock_key_of_another_type),
      cmocka_unit_test(queue_key_of_another_type),
      cmocka_unit_test(client_records_of_another_type),
      cmocka_unit_test(fence_of_another_type),
      cmocka_unit_test(release_with_spoilt_side_keys),
      cmocka_unit_test(release_of_a_lock_key_of_another_type),
      cmocka_unit_test(looking_at_and_breaking_a_key_of_another_type),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
