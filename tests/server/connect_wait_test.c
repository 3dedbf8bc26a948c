/*
 * The option "connect_wait": calls wait for a server that is not up yet, until the client has
 * connected for the first time.
 */
#include <string.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

#define PATIENT "timeout=200ms&connect_wait=10m"

static redis_server_t *redis;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  redis_kill(redis);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redis_stop(redis);
  return 0;
}

static void start_server_later(void) {
  pass_ms(500); /* longer than the timeout, which is the subject */
  redis_restart(redis);
}

static void acquire_with(int64_t wait_ms) {
  redilock_client_t *client = client_at(redis->url, PATIENT);
  attempt_t waiter;
  attempt_start(&waiter, client, "lock", 30000, wait_ms);
  start_server_later();
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  attempt_free(&waiter);
  redilock_free(client);
}

static void try_waits_for_the_server(void **state) {
  (void)state;
  acquire_with(0);
}

static void wait_waits_for_the_server(void **state) {
  (void)state;
  acquire_with(REDILOCK_WAIT_FOREVER);
}

static void submitted_acquire_waits_for_the_server(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, PATIENT);
  redilock_op_t *waits = submit(client, "lock", NULL, 1), *tries = submit(client, "b", "wait=0", 2);
  start_server_later();
  const int32_t first = next_completion(client).status, second = next_completion(client).status;
  assert_int_equal(first, REDILOCK_OK);
  assert_int_equal(second, REDILOCK_OK);
  redilock_op_free(waits);
  redilock_op_free(tries);
  redilock_free(client);
}

static void *look_up(void *client) {
  redilock_op_t *op;
  redilock_info_t *info;
  assert_int_equal(redilock_op_new(client, &op), REDILOCK_OK);
  assert_int_equal(redilock_op_set(op, "name", "lock"), REDILOCK_OK);
  const int32_t status = redilock_op_info(op, &info);
  redilock_info_free(info);
  redilock_op_free(op);
  return status == REDILOCK_OK ? NULL : (void *)"failed";
}

static void look_up_waits_for_the_server(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, PATIENT);
  pthread_t thread;
  void *failed;
  assert_int_equal(pthread_create(&thread, NULL, look_up, client), 0);
  start_server_later();
  assert_int_equal(pthread_join(thread, &failed), 0);
  assert_null(failed);
  redilock_free(client);
}

static void once_connected_the_timeout_counts(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, PATIENT);
  redis_restart(redis);
  attempt_and_release(client, "lock");
  redis_kill(redis);
  attempt_t later;
  assert_int_equal(attempt(&later, client, "lock", 30000, 0), REDILOCK_E_UNAVAILABLE);
  attempt_free(&later);
  redilock_free(client);
}

static void without_a_server_the_call_ends(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, "timeout=10ms&connect_wait=1500ms");
  attempt_t missed;
  assert_int_equal(attempt(&missed, client, "lock", 30000, 0), REDILOCK_E_UNAVAILABLE);
  assert_true(missed.ended - missed.began >= 500); /* the last pause would outlast the limit */
  attempt_free(&missed);
  redilock_free(client);
}

static void wait_ends_in_its_own_time(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, PATIENT);
  attempt_t missed;
  assert_int_not_equal(attempt(&missed, client, "lock", 30000, 100), REDILOCK_OK);
  attempt_free(&missed);
  redilock_free(client);
}

static void cancel_ends_the_wait_for_the_server(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, PATIENT);
  attempt_t waiter;
  attempt_start(&waiter, client, "lock", 30000, 0);
  pass_ms(50);
  redilock_op_cancel(waiter.op);
  assert_int_equal(attempt_join(&waiter), REDILOCK_E_CANCELLED);
  attempt_free(&waiter);
  redilock_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(try_waits_for_the_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wait_waits_for_the_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(submitted_acquire_waits_for_the_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(look_up_waits_for_the_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(once_connected_the_timeout_counts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_a_server_the_call_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wait_ends_in_its_own_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancel_ends_the_wait_for_the_server, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
