/*
 * Replies that no Redis gives: giants, nests, trickles and every wrong type for every request. The
 * answer is PROTOCOL at once, or UNKNOWN by the deadline; never a lock, and never much memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/timing.h"

/* A server that greets well and answers every script with `reply`. */
static fake_server_t *answering(const char *reply) {
  static struct fake_step steps[4];
  steps[0] = (struct fake_step){"EVALSHA", FAKE_SEND, reply, 0};
  steps[1] = (struct fake_step){"SUBSCRIBE", FAKE_SUBSCRIBE, NULL, 0};
  steps[2] = (struct fake_step){"SCAN", FAKE_SEND, reply, 0};
  return fake_server_start(steps);
}

/* One script answers well at first, the later ones with `reply`. */
static fake_server_t *holding_then(const char *reply) {
  static struct fake_step steps[4];
  steps[0] = (struct fake_step){"EVALSHA", FAKE_SEND, ":1700000000000000\r\n", 1};
  steps[1] = (struct fake_step){"EVALSHA", FAKE_SEND, reply, 0};
  return fake_server_start(steps);
}

static void expect_acquire(const char *reply, int64_t wait_ms, int32_t status) {
  fake_server_t *fake = answering(reply);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
  attempt_t one;
  attempt(&one, client, "lock", 5000, wait_ms);
  if (one.status != status || one.lock != NULL)
    fail_msg("%.20s for acquire: %s, %s", reply, redilock_status_name(one.status), one.message);
  assert_in_range(one.ended - one.began, 0, soon_ms(1500));
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

static const char *const kNoIntegers[] = {
    "$2\r\n42\r\n",       "+OK\r\n",   "$-1\r\n", "*-1\r\n", "*0\r\n",
    "*1\r\n*1\r\n:1\r\n", "!boom\r\n", "\r\n",    "x",       "HTTP/1.1 400 Bad Request\r\n\r\n"};
enum { kNoIntegerCount = sizeof kNoIntegers / sizeof *kNoIntegers };

static void wrong_types_are_no_grant(void **state) {
  (void)state;
  for (int i = 0; i < kNoIntegerCount; ++i) {
    expect_acquire(kNoIntegers[i], 0, REDILOCK_E_PROTOCOL);
    expect_acquire(kNoIntegers[i], 20000, REDILOCK_E_PROTOCOL);
  }
  expect_acquire("*1\r\n$1\r\n5\r\n", 0, REDILOCK_E_PROTOCOL);
  expect_acquire("*2\r\n:5\r\n:0\r\n", 20000, REDILOCK_E_PROTOCOL); /* a place without the rest */
  expect_acquire("*8\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:1\r\n:1\r\n:1\r\n", 20000,
                 REDILOCK_E_PROTOCOL);
}

static void fences_out_of_range_are_no_grant(void **state) {
  (void)state;
  expect_acquire(":-1\r\n", 0, REDILOCK_E_PROTOCOL);
  expect_acquire(":0\r\n", 0,
                 REDILOCK_E_PROTOCOL); /* says that none was drawn, but one was asked for */
  expect_acquire(":9007199254740992\r\n", 0, REDILOCK_E_PROTOCOL);
  expect_acquire(":9223372036854775808\r\n", 0, REDILOCK_E_PROTOCOL);
}

static void wrong_replies_to_release_and_extend(void **state) {
  (void)state;
  for (int i = 0; i < kNoIntegerCount; ++i)
    for (int extend = 0; extend < 2; ++extend) {
      fake_server_t *fake = holding_then(kNoIntegers[i]);
      redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
      attempt_t one;
      assert_int_equal(attempt(&one, client, "lock", 60000, 0), REDILOCK_OK);
      const int32_t status = extend ? redilock_extend(one.lock, 90000) : redilock_release(one.lock);
      assert_int_equal(status, REDILOCK_E_PROTOCOL);
      assert_in_range(redilock_lock_remaining_ms(one.lock), 0, 60000);
      attempt_free(&one);
      redilock_free(client);
      fake_server_stop(fake);
    }
}

static void wrong_replies_to_info(void **state) {
  (void)state;
  const char *const wrong[] = {"*1\r\n+none\r\n", ":1\r\n", "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
                               "*4\r\n+none\r\n$0\r\n\r\n$1\r\n5\r\n:0\r\n",
                               "*5\r\n+none\r\n$0\r\n\r\n:-2\r\n:1\r\n:7\r\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    fake_server_t *fake = answering(wrong[i]);
    redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
    redilock_op_t *op = NULL;
    redilock_info_t *info = NULL;
    assert_int_equal(redilock_op_new(client, &op), REDILOCK_OK);
    redilock_op_set(op, "name", "lock");
    assert_int_equal(redilock_op_info(op, &info), REDILOCK_E_PROTOCOL);
    assert_null(info);
    redilock_op_free(op);
    redilock_free(client);
    fake_server_stop(fake);
  }
}

/* One request that is no acquire, to a server that answers it with `reply`. */
enum request { kBreak, kReleaseToken, kExtendToken, kList, kRequests };

static int32_t made(enum request request, redilock_client_t *client) {
  static const char token[] = "redilock:0123456789abcdef0123456789abcdef:me";
  redilock_op_t *op = NULL;
  redilock_list_t *list = NULL;
  const char *name = "x";
  int32_t status = REDILOCK_OK;
  assert_int_equal(redilock_op_new(client, &op), REDILOCK_OK);
  redilock_op_set(op, "name", "lock");
  if (request != kBreak) redilock_op_set(op, "token", token);
  if (request == kBreak) status = redilock_op_break(op);
  if (request == kReleaseToken) status = redilock_op_release(op, NULL);
  if (request == kExtendToken) status = redilock_op_extend(op, NULL);
  if (request == kList) {
    assert_int_equal(redilock_list_new(client, NULL, 0, &list), REDILOCK_OK);
    status = redilock_list_next(list, &name, NULL);
    assert_null(name);
    redilock_list_free(list);
  }
  redilock_op_free(op);
  return status;
}

static void expect_refused(enum request request, const char *reply) {
  fake_server_t *fake = answering(reply);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
  const int64_t began = now_ms();
  const int32_t status = made(request, client);
  if (status != REDILOCK_E_PROTOCOL)
    fail_msg("%.20s for request %d: %s", reply, (int)request, redilock_status_name(status));
  assert_in_range(now_ms() - began, 0, soon_ms(1500));
  redilock_free(client);
  fake_server_stop(fake);
}

static void wrong_replies_to_all_other_requests(void **state) {
  (void)state;
  const char *const no_pages[] = {":1\r\n",
                                  "*0\r\n",
                                  "*1\r\n:0\r\n",
                                  "*1\r\n$-1\r\n",
                                  "*2\r\n$1\r\n0\r\n:5\r\n",
                                  "*2\r\n$1\r\n0\r\n$1\r\na\r\n",
                                  "*2\r\n$1\r\n0\r\n*1\r\n:5\r\n"};
  for (int i = 0; i < kNoIntegerCount; ++i)
    for (int request = kBreak; request < kRequests; ++request)
      expect_refused((enum request)request, kNoIntegers[i]);
  for (size_t i = 0; i < sizeof no_pages / sizeof *no_pages; ++i)
    expect_refused(kList, no_pages[i]);
}

/* The last request of a wait that ends is to leave the queue. */
static void wrong_replies_to_leaving_are_unknown(void **state) {
  (void)state;
  const char *const place =
      "*8\r\n:60000\r\n:0\r\n:1700000000000000\r\n:1700000000000000\r\n:0\r\n:1\r\n:1\r\n:1\r\n";
  const struct fake_step steps[] = {{"EVALSHA", FAKE_SEND, "*1\r\n:60000\r\n", 1},
                                    {"SUBSCRIBE", FAKE_SUBSCRIBE, NULL, 0},
                                    {"EVALSHA", FAKE_SEND, place, 1},
                                    {"EVALSHA", FAKE_SEND, "+OK\r\n", 0},
                                    {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
  attempt_t one;
  attempt(&one, client, "lock", 60000, 500);
  assert_int_equal(one.status, REDILOCK_E_UNKNOWN);
  assert_null(one.lock);
  assert_in_range(one.ended - one.began, 499, soon_ms(3500));
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

static void expect_with_step(struct fake_step step, int64_t wait_ms, int32_t status) {
  const struct fake_step steps[] = {
      step, {"EVALSHA", FAKE_SEND, "*1\r\n:5000\r\n", 0}, {"EVAL", FAKE_SEND, ":1\r\n", 0}, {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=1s");
  attempt_t one;
  attempt(&one, client, "lock", 5000, wait_ms);
  if (one.status != status)
    fail_msg("%s %s: %s", step.expect, step.bytes, redilock_status_name(one.status));
  assert_null(one.lock);
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

static void wrong_replies_to_the_greeting(void **state) {
  (void)state;
  const char *const wrong[] = {"+OK\r\n", "$1\r\n7\r\n", "$-1\r\n", "*1\r\n:7\r\n", ":-7\r\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    expect_with_step((struct fake_step){"CLIENT", FAKE_SEND, wrong[i], 0}, 0, REDILOCK_E_PROTOCOL);
}

static void wrong_replies_to_subscribe(void **state) {
  (void)state;
  const char *const wrong[] = {"+OK\r\n", ":1\r\n", "*0\r\n", "$-1\r\n",
                               "*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    expect_with_step((struct fake_step){"SUBSCRIBE", FAKE_SEND, wrong[i], 0}, 20000,
                     REDILOCK_E_PROTOCOL);
}

/* ---------------------------------------------------------------- size and time */

static long peak_kib(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static void giants_are_refused_at_once(void **state) {
  (void)state;
  enum { kLevels = 100000 };
  char *deep = malloc(4 * kLevels + 1);
  assert_non_null(deep);
  for (int i = 0; i < kLevels; ++i) memcpy(deep + 4 * i, "*1\r\n", 5);
  const long before = peak_kib();
  const char *const giants[] = {"$2147483648\r\nabc",
                                "$2147483647\r\nabc",
                                "$9223372036854775807\r\nabc",
                                "*4294967296\r\n:1\r\n",
                                "*2147483647\r\n:1\r\n",
                                "*1\r\n*1000000\r\n:1\r\n",
                                deep};
  for (size_t i = 0; i < sizeof giants / sizeof *giants; ++i) {
    expect_acquire(giants[i], 0, REDILOCK_E_PROTOCOL);
    expect_acquire(giants[i], 20000, REDILOCK_E_PROTOCOL);
  }
  assert_in_range(peak_kib() - before, 0, 64 * 1024);
  free(deep);
}

static void one_byte_a_second_does_not_stretch_the_deadline(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"EVALSHA", FAKE_TRICKLE, ":1700000000000000\r\n", 0}, {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2500ms");
  attempt_t one;
  attempt(&one, client, "lock", 60000, 0);
  assert_int_equal(one.status, REDILOCK_E_UNKNOWN);
  assert_null(one.lock);
  assert_in_range(one.ended - one.began, 2400, soon_ms(3500));
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

/* Every request is cut off before its answer: asked again without a storm, and not known in the
 * end. */
static void connection_that_dies_at_every_request_is_unknown(void **state) {
  (void)state;
  const enum fake_action ends[] = {FAKE_RESET, FAKE_CLOSE};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) {
    const struct fake_step steps[] = {{"EVALSHA", ends[i], ":17", 0}, {0}};
    fake_server_t *fake = fake_server_start(steps);
    redilock_client_t *client = client_at(fake_server_url(fake), "timeout=1s");
    attempt_t one;
    attempt(&one, client, "lock", 5000, 0);
    assert_int_equal(one.status, REDILOCK_E_UNKNOWN);
    assert_null(one.lock);
    assert_in_range(one.ended - one.began, 300, soon_ms(1500));
    assert_in_range(fake_server_count(fake, "EVALSHA"), 2, 20);
    attempt_free(&one);
    redilock_free(client);
    fake_server_stop(fake);
  }
}

/* What comes after an answer is not the answer to the next request. */
static void surplus_reply_is_no_later_answer(void **state) {
  (void)state;
  const struct fake_step steps[] = {
      {"EVALSHA", FAKE_SEND, ":1700000000000001\r\n", 1},
      {"EVALSHA", FAKE_SEND, "*1\r\n:5000\r\n:1700000000000002\r\n", 1},
      {"EVALSHA", FAKE_SEND, "*1\r\n:5000\r\n", 0},
      {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=1s");
  attempt_t one;
  assert_int_equal(attempt(&one, client, "first", 60000, 0), REDILOCK_OK);
  attempt_free(&one);
  assert_int_equal(attempt(&one, client, "second", 60000, 0), REDILOCK_E_HELD);
  attempt_free(&one);
  assert_int_equal(attempt(&one, client, "third", 60000, 0), REDILOCK_E_HELD);
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

/* Neither is what a new connection is greeted with. */
static void reply_before_its_request_is_no_answer(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"CLIENT", FAKE_SEND, ":7\r\n:1700000000000001\r\n", 0}, {0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=1s");
  attempt_t one;
  assert_int_equal(attempt(&one, client, "early", 60000, 0), REDILOCK_E_PROTOCOL);
  attempt_free(&one);
  redilock_free(client);
  fake_server_stop(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_types_are_no_grant),
      cmocka_unit_test(fences_out_of_range_are_no_grant),
      cmocka_unit_test(wrong_replies_to_release_and_extend),
      cmocka_unit_test(wrong_replies_to_info),
      cmocka_unit_test(wrong_replies_to_all_other_requests),
      cmocka_unit_test(wrong_replies_to_leaving_are_unknown),
      cmocka_unit_test(wrong_replies_to_the_greeting),
      cmocka_unit_test(wrong_replies_to_subscribe),
      cmocka_unit_test(giants_are_refused_at_once),
      cmocka_unit_test(connection_that_dies_at_every_request_is_unknown),
      cmocka_unit_test(surplus_reply_is_no_later_answer),
      cmocka_unit_test(reply_before_its_request_is_no_answer),
      cmocka_unit_test(one_byte_a_second_does_not_stretch_the_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
