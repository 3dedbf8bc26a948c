/*
 * Requests and replies that get lost between the client and a real server: the same token is asked
 * again, "already mine" and "not there" count, and where no answer can be had the outcome is
 * UNKNOWN and is undone.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/one_server.h"
#include "support/proxy.h"
#include "support/timing.h"

static proxy_t *proxy;
static redilock_client_t *client;

static int connect_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  proxy = proxy_start(server->socket);
  client = client_at(proxy_url(proxy), "timeout=1s");
  assert_true(attempt_and_release(client, "warm") >
              0); /* scripts are known, a connection is idle */
  return 0;
}

static int disconnect_client(void **state) {
  (void)state;
  redilock_free(client);
  proxy_stop(proxy);
  return 0;
}

static bool key_is_gone(void *name) { return redis_integer(server, "EXISTS %s", name) == 0; }

static void acquire_is_asked_again_after(enum proxy_fault fault, int bytes) {
  attempt_t one;
  proxy_fail(proxy, fault, "EVALSHA", 1, bytes);
  attempt(&one, client, "lock", 10000, 0);
  assert_true(proxy_struck(proxy, 1));
  assert_int_equal(one.status, REDILOCK_OK);
  assert_true(one.fence > 0);
  assert_true(redilock_lock_is_held(one.lock));

  proxy_fail(proxy, fault, "EVALSHA", 1, bytes);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  assert_true(proxy_struck(proxy, 1));
  assert_int_equal(redis_integer(server, "EXISTS lock"), 0);
  attempt_free(&one);
}

static void reset_before_the_request_left_is_retried(void **state) {
  (void)state;
  proxy_reset_all(proxy); /* the idle connection is dead and the client does not know it */
  attempt_and_release(client, "lock");
  acquire_is_asked_again_after(PROXY_DROP, 0);
}

static void lost_reply_is_asked_for_again(void **state) {
  (void)state;
  acquire_is_asked_again_after(PROXY_CUT, 0);
}

static void reply_cut_in_the_middle_is_asked_for_again(void **state) {
  (void)state;
  for (int bytes = 1; bytes < 4; ++bytes) acquire_is_asked_again_after(PROXY_CUT, bytes);
}

static void lost_extension_is_asked_for_again(void **state) {
  (void)state;
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 2000, 0), REDILOCK_OK);
  proxy_fail(proxy, PROXY_CUT, "EVALSHA", 1, 0);
  assert_int_equal(redilock_extend(one.lock, 20000), REDILOCK_OK);
  assert_true(proxy_struck(proxy, 1));
  assert_in_range(redilock_lock_remaining_ms(one.lock), 15000, 20000);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
}

static void lost_reply_keeps_the_place_in_the_queue(void **state) {
  (void)state;
  attempt_t holder, first, second;
  assert_int_equal(attempt(&holder, client, "lock", 20000, 0), REDILOCK_OK);
  attempt_start(&first, client, "lock", 20000, 10000);
  assert_true(attempt_queued(&first));
  proxy_fail(proxy, PROXY_CUT, "EVALSHA", 2, 0);
  attempt_start(&second, client, "lock", 20000, 10000);
  assert_true(attempt_queued(&second));
  assert_true(proxy_struck(proxy, 2));
  assert_int_equal(redis_integer(server, "ZCARD redilock:1:{A@NL}:queue:lock"), 2);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&first), REDILOCK_OK);
  assert_false(second.done);
  assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&second), REDILOCK_OK);
  assert_int_equal(redilock_release(second.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&first);
  attempt_free(&second);
}

static void unanswered_acquire_is_unknown_and_undone(void **state) {
  (void)state;
  attempt_t one;
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  attempt(&one, client, "lock", 30000, 0);
  assert_int_equal(one.status, REDILOCK_E_UNKNOWN);
  assert_null(one.lock);
  assert_true(redilock_op_retriable(one.op));
  assert_in_range(one.ended - one.began, 900, soon_ms(2000));
  assert_true(eventually(key_is_gone, (void *)"lock", 5000));
  attempt_free(&one);
}

static void unanswered_release_is_unknown_and_its_end_is_remembered(void **state) {
  (void)state;
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 30000, 0), REDILOCK_OK);
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  assert_int_equal(redilock_release(one.lock), REDILOCK_E_UNKNOWN);
  assert_false(redilock_lock_is_held(one.lock));
  assert_true(eventually(key_is_gone, (void *)"lock", 5000));
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK); /* now it is known */
  assert_int_equal(redilock_release(one.lock), REDILOCK_E_NOT_OWNER);
  attempt_free(&one);
}

static void unanswered_extension_keeps_the_old_deadline(void **state) {
  (void)state;
  attempt_t one;
  assert_int_equal(attempt(&one, client, "lock", 5000, 0), REDILOCK_OK);
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  assert_int_equal(redilock_extend(one.lock, 60000), REDILOCK_E_UNKNOWN);
  assert_in_range(redilock_lock_remaining_ms(one.lock), 1, 5000);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  attempt_free(&one);
}

static void renewing_holder_of_a_silent_server_loses_by_its_local_deadline(void **state) {
  (void)state;
  redilock_op_t *op = NULL;
  redilock_lock_t *lock = NULL;
  assert_int_equal(redilock_op_new(client, &op), REDILOCK_OK);
  redilock_op_set(op, "name", "lock");
  redilock_op_set(op, "ttl", "1500ms");
  redilock_op_set(op, "renew", "yes");
  assert_int_equal(redilock_op_acquire(op, &lock), REDILOCK_OK);
  const int64_t held = now_ms();
  pass_ms(2000); /* renewals do their work */
  assert_true(redilock_lock_is_held(lock));
  proxy_fail(proxy, PROXY_HOLD, "EVALSHA", 1000, 0);
  const int64_t silent = now_ms();
  while (redilock_lock_is_held(lock)) pass_ms(1);
  assert_in_range(now_ms() - silent, 500, soon_ms(1500));
  assert_true(now_ms() - held > 2000);
  assert_int_equal(redilock_extend(lock, 1000), REDILOCK_E_LOST);
  proxy_release(proxy);
  redilock_lock_free(lock);
  redilock_op_free(op);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, connect_client, disconnect_client)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(reset_before_the_request_left_is_retried),
      CASE(lost_reply_is_asked_for_again),
      CASE(reply_cut_in_the_middle_is_asked_for_again),
      CASE(lost_extension_is_asked_for_again),
      CASE(lost_reply_keeps_the_place_in_the_queue),
      CASE(unanswered_acquire_is_unknown_and_undone),
      CASE(unanswered_release_is_unknown_and_its_end_is_remembered),
      CASE(unanswered_extension_keeps_the_old_deadline),
      CASE(renewing_holder_of_a_silent_server_loses_by_its_local_deadline),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
