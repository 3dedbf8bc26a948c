/*
 * Clients that pub/sub does not reach, as behind some proxies: scripts do not see their subscription,
 * so that they poll. A user who may not ask PUBSUB NUMSUB sees what such a client sees, because the
 * scripts count an error of the test as no subscriber.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/needs.h"
#include "support/one_server.h"
#include "support/side_keys.h"
#include "support/timing.h"

#define HOLDER "redilock:0123456789abcdef0123456789abcdef:holder"

static redilock_client_t *blind, *seeing;

static int make_clients(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  if (!redis_accepts(server, "ACL WHOAMI")) return 0; /* each case skips itself */
  char user[128];
  snprintf(user, sizeof user, "ACL SETUSER blind reset on >password ~* %s +@all -pubsub",
           all_channels(server));
  redis_do(server, user);
  blind = client_at(server->url, "username=blind&password=password&interval=100ms");
  seeing = client_at(server->url, NULL);
  return 0;
}

static int drop_clients(void **state) {
  (void)state;
  redilock_free(blind);
  redilock_free(seeing);
  return 0;
}

static int64_t members_of_kind(const char *name, const char *kind) {
  return redis_integer(server, "EVAL %s 1 %s %s",
                       "local count = 0\n"
                       "for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
                       "  if string.find(member, ':' .. ARGV[1] .. ':', 1, true) then\n"
                       "    count = count + 1\n"
                       "  end\n"
                       "end\n"
                       "return count",
                       queue_of(name), kind);
}

static bool has_two_pollers(void *context) {
  (void)context;
  return members_of_kind("lock", "poll") == 2;
}

static void release_holder(void) {
  static const char token[] = HOLDER;
  assert_int_equal(redilock_release_token(seeing, "lock", 4, token, sizeof token - 1, NULL, 0),
                   REDILOCK_OK);
}

/* What is shown of the waiters: the first `pollers` of `count` poll. */
static void expect_shown_polls(size_t pollers, size_t count) {
  redilock_op_t *op = NULL;
  redilock_info_t *info = NULL;
  assert_int_equal(redilock_op_new(seeing, &op), REDILOCK_OK);
  assert_int_equal(redilock_op_set(op, "name", "lock"), REDILOCK_OK);
  assert_int_equal(redilock_op_info(op, &info), REDILOCK_OK);
  for (size_t i = 0; i < count; ++i)
    assert_int_equal(redilock_info_waiter_polls(info, i), i < pollers ? 1 : 0);
  redilock_info_free(info);
  redilock_op_free(op);
}

/* Both kinds of calls switch to polling, keep their places, and are served in their order. */
static void waiters_poll_and_keep_their_order(void **state) {
  (void)state;
  needs_users(server);
  attempt_t first, third;
  redis_do(server, "SET lock " HOLDER " PX 60000");
  attempt_start(&first, blind, "lock", 20000, 30000);
  assert_true(attempt_queued(&first));
  redilock_op_t *second = submit(blind, "lock", "ttl=20s", 2);
  assert_true(eventually(has_two_pollers, NULL, 10000));
  assert_int_equal(members_of_kind("lock", "wake"), 0); /* the old places are gone */
  attempt_start(&third, seeing, "lock", 20000, 30000);
  assert_true(attempt_queued(&third));
  assert_int_equal(members_of_kind("lock", "wake"), 1);
  expect_shown_polls(2, 3);

  release_holder();
  assert_int_equal(attempt_join(&first), REDILOCK_OK);
  assert_false(third.done);
  assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
  expect_completion(blind, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(second);
  assert_true(redilock_lock_fence(lock) > first.fence);
  assert_false(third.done);
  assert_int_equal(redilock_release(lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&third), REDILOCK_OK);
  assert_int_equal(redilock_release(third.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(server, "EXISTS lock %s", queue_of("lock")), 0);
  redilock_lock_free(lock);
  redilock_op_free(second);
  attempt_free(&first);
  attempt_free(&third);
}

static bool is_placed(void *op) { return redilock_op_position(op) > 0; }

static bool two_locks_have_pollers(void *context) {
  (void)context;
  return members_of_kind("lock", "poll") == 1 && members_of_kind("other", "poll") == 1;
}

/* The places of both kinds of calls stand already, each at the head of a queue, where no request of
 * another drops a place that was left behind. */
static void places_move_once_pub_sub_does_not_reach_the_client(void **state) {
  (void)state;
  needs_users(server);
  attempt_t blocking;
  redis_do(server, "ACL SETUSER blind +pubsub");
  redis_do(server, "SET lock " HOLDER " PX 60000");
  redis_do(server, "SET other " HOLDER " PX 60000");
  attempt_start(&blocking, blind, "lock", 20000, 60000);
  redilock_op_t *submitted = submit(blind, "other", "ttl=20s", 2);
  assert_true(attempt_queued(&blocking));
  assert_true(eventually(is_placed, submitted, 10000));
  assert_int_equal(members_of_kind("lock", "wake"), 1);
  assert_int_equal(members_of_kind("other", "wake"), 1);
  redis_do(server, "ACL SETUSER blind -pubsub");
  assert_true(eventually(two_locks_have_pollers, NULL, 20000));
  assert_int_equal(members_of_kind("lock", "wake"), 0);
  assert_int_equal(members_of_kind("other", "wake"), 0);
  redis_do(server, "DEL lock other");
  assert_int_equal(attempt_join(&blocking), REDILOCK_OK);
  expect_completion(blind, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_free(lock_of(submitted));
  redilock_op_free(submitted);
  attempt_free(&blocking);
}

/* From then on the client queues by the channel of those that poll, without a subscription. */
static void client_that_polls_goes_on_polling(void **state) {
  (void)state;
  needs_users(server);
  for (int round = 0; round < 3; ++round) {
    attempt_t one;
    redis_do(server, "SET lock " HOLDER " PX 500");
    assert_int_equal(attempt(&one, blind, "lock", 20000, 30000), REDILOCK_OK);
    assert_in_range(one.ended - one.began, 200, soon_ms(10000));
    assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
    attempt_free(&one);
  }
  assert_int_equal(redis_integer(server, "EXISTS lock %s", queue_of("lock")), 0);
}

static void message_of_an_acquire_says_that_the_client_polls(void **state) {
  (void)state;
  needs_users(server);
  attempt_t one, fine;
  redis_do(server, "SET lock " HOLDER " PX 60000");
  assert_int_equal(attempt(&one, blind, "lock", 20000, 5000), REDILOCK_E_TIMEOUT);
  assert_non_null(strstr(one.message, "this client polls"));
  assert_int_equal(attempt(&fine, seeing, "lock", 20000, 100), REDILOCK_E_TIMEOUT);
  assert_null(strstr(fine.message, "polls"));
  attempt_free(&one);
  attempt_free(&fine);
}

static void poller_that_is_cancelled_leaves_nothing(void **state) {
  (void)state;
  needs_users(server);
  attempt_t one;
  redis_do(server, "SET lock " HOLDER " PX 60000");
  redilock_op_t *other = submit(blind, "lock", "ttl=20s", 2);
  attempt_start(&one, blind, "lock", 20000, 30000);
  assert_true(eventually(has_two_pollers, NULL, 10000));
  redilock_op_cancel(one.op);
  redilock_op_cancel(other);
  assert_int_equal(attempt_join(&one), REDILOCK_E_CANCELLED);
  expect_completion(blind, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_CANCELLED);
  assert_int_equal(redis_integer(server, "EXISTS %s", queue_of("lock")), 0);
  attempt_free(&one);
  redilock_op_free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_clients, drop_clients)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(places_move_once_pub_sub_does_not_reach_the_client),
      CASE(waiters_poll_and_keep_their_order),
      CASE(client_that_polls_goes_on_polling),
      CASE(message_of_an_acquire_says_that_the_client_polls),
      CASE(poller_that_is_cancelled_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
