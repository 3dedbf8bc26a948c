/*
 * A grant's reply that comes a second time, late, and is read as the answer to the next request. It
 * has to be refused each time: the fence is one that another holder has.
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

enum { kRounds = 20 };

static proxy_t *proxy;
static redilock_client_t *client;

/* The server knows the scripts, so that each request is answered by one reply. */
static int start_proxy(void **state) {
  empty_server(state);
  redilock_client_t *first = client_at(server->url, NULL);
  attempt_and_release(first, "lock");
  redilock_free(first);
  proxy = proxy_start(server->socket);
  return 0;
}

static int end_proxy(void **state) {
  (void)state;
  proxy_stop(proxy);
  return 0;
}

/* Each round has a client of its own, and so one connection: the roll-back of the round before it
 * would have put a second one into the pool, without a grant to repeat. */
static void begin_round(void) { client = client_at(proxy_url(proxy), "timeout=2s"); }

static void end_round(void) { redilock_free(client); }

static bool is_free(void *name) { return redis_integer(server, "EXISTS %s", name) == 0; }

/* The lease of the first grant ends by itself, so that the next request is an acquire too. */
static void late_duplicate_is_no_grant(void **state) {
  (void)state;
  int64_t fence = 0;
  for (int i = 0; i < kRounds; ++i) {
    begin_round();
    attempt_t first, second;
    assert_int_equal(attempt(&first, client, "lock", 60000, 0), REDILOCK_OK);
    assert_true(first.fence > fence);
    fence = first.fence;
    redis_do(server, "DEL lock");
    proxy_fail(proxy, PROXY_ECHO, "EVALSHA", 1, 0);
    attempt(&second, client, "lock", 60000, 0);
    assert_true(proxy_struck(proxy, 1));
    if (second.status != REDILOCK_E_PROTOCOL || second.lock != NULL)
      fail_msg("round %d: %s, %s", i, redilock_status_name(second.status), second.message);
    assert_true(eventually(is_free, (void *)"lock", 10000)); /* it is rolled back */
    attempt_free(&first);
    attempt_free(&second);
    end_round();
  }
}

/* The names have different counters, so the fence proves nothing but that it came before: the client
 * asks again on a new connection, and gets a fence of its own. */
static void late_duplicate_about_another_name_is_asked_again(void **state) {
  (void)state;
  for (int i = 0; i < kRounds; ++i) {
    begin_round();
    attempt_t first, second;
    assert_int_equal(attempt(&first, client, "lock", 60000, 0), REDILOCK_OK);
    proxy_fail(proxy, PROXY_ECHO, "EVALSHA", 1, 0);
    assert_int_equal(attempt(&second, client, "other", 60000, 0), REDILOCK_OK);
    assert_true(proxy_struck(proxy, 1));
    assert_true(second.fence != first.fence);
    assert_int_equal(redilock_release(second.lock), REDILOCK_OK);
    assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
    assert_true(is_free((void *)"lock") && is_free((void *)"other"));
    attempt_free(&first);
    attempt_free(&second);
    end_round();
  }
}

/* It is not taken for the answer of a release or an extension either. */
static void late_duplicate_is_no_other_answer(void **state) {
  (void)state;
  for (int i = 0; i < kRounds; ++i) {
    begin_round();
    attempt_t one;
    assert_int_equal(attempt(&one, client, "lock", 60000, 0), REDILOCK_OK);
    proxy_fail(proxy, PROXY_ECHO, "EVALSHA", 1, 0);
    const int32_t status =
        i % 2 == 0 ? redilock_release(one.lock) : redilock_extend(one.lock, 90000);
    assert_int_equal(status, REDILOCK_E_PROTOCOL);
    assert_true(proxy_struck(proxy, 1));
    assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
    assert_true(is_free((void *)"lock"));
    attempt_free(&one);
    end_round();
  }
}

/* A counter may be far ahead of the clock: its fences rise nevertheless. */
static void counter_ahead_of_the_clock_is_no_duplicate(void **state) {
  (void)state;
  begin_round();
  attempt_and_release(client, "lock");
  redisReply *keys = redis_command(server, "KEYS redilock:1:*:fence");
  assert_int_equal(keys->elements, 1);
  redis_do(server, "SET %s 9000000000000000", keys->element[0]->str);
  freeReplyObject(keys);
  int64_t fence = 0;
  for (int i = 0; i < kRounds; ++i) {
    const int64_t next = attempt_and_release(client, "lock");
    assert_true(next > fence);
    fence = next;
    assert_true(attempt_and_release(client, "other") > 0);
  }
  end_round();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start_proxy, end_proxy)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(late_duplicate_is_no_grant),
      CASE(late_duplicate_about_another_name_is_asked_again),
      CASE(late_duplicate_is_no_other_answer),
      CASE(counter_ahead_of_the_clock_is_no_duplicate),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
