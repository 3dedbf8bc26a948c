/*
 * Queues full of the dead: ten thousand that a plain client wrote there, and two hundred processes
 * that were killed while they waited. A release and an acquire get past them quickly, and nothing
 * stays.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/one_server.h"
#include "support/timing.h"

#define QUEUE "redilock:1:{A@NL}:queue:lock"
#define ALIVE "redilock:1:{}:alive"

enum { kDead = 10000, kKilled = 200, kQuickMs = 5000 };

static redilock_client_t *client;

static int connect_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = client_at(server->url, "timeout=10s");
  return 0;
}

static int disconnect_client(void **state) {
  (void)state;
  redilock_free(client);
  return 0;
}

/* Members in the documented form, in front of everybody, each of a client of its own with a record
 * that says it lives; but nobody is subscribed to its channel. */
static void add_dead(void) {
  redis_do(server, "EVAL %s 2 " QUEUE " " ALIVE " %d",
           "local now = redis.call('TIME')\n"
           "for i = 1, ARGV[1] do\n"
           "  local channel = string.format('redilock:1:{}:wake:%032x', i)\n"
           "  local token = string.format('redilock:%032x:dead', i)\n"
           "  redis.call('ZADD', KEYS[1], i, '30000 ' .. channel .. ' ' .. token)\n"
           "  redis.call('ZADD', KEYS[2], string.format('%.0f', now[1] * 1000 + 5000), channel)\n"
           "end",
           kDead);
  assert_int_equal(redis_integer(server, "ZCARD " QUEUE), kDead);
}

static void expect_nothing_left(void) {
  assert_int_equal(redis_integer(server, "EXISTS lock " QUEUE), 0);
}

static void release_passes_ten_thousand_dead(void **state) {
  (void)state;
  redilock_client_t *other = client_at(server->url, NULL);
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 60000, 0), REDILOCK_OK);
  add_dead();
  attempt_start(&waiter, other, "lock", 60000, 30000);
  assert_true(attempt_queued(&waiter));
  const int64_t released = now_ms();
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_in_range(waiter.ended - released, 0, soon_ms(kQuickMs));
  assert_int_equal(redis_integer(server, "EXISTS " QUEUE), 0);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  expect_nothing_left();
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(other);
}

/* A submitted release goes on at once too, until the living have been reached. */
static void submitted_release_passes_ten_thousand_dead(void **state) {
  (void)state;
  redilock_client_t *other = client_at(server->url, NULL);
  attempt_t waiter;
  redilock_op_t *op = submit(client, "lock", "ttl=60s", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op);
  add_dead();
  attempt_start(&waiter, other, "lock", 60000, 30000);
  assert_true(attempt_queued(&waiter));
  const int64_t released = now_ms();
  assert_int_equal(redilock_op_submit_release(op, lock, 2), REDILOCK_OK);
  expect_completion(client, 2, REDILOCK_COMPLETION_RELEASE, REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  print_message("the living waiter had the lock after %lld ms\n",
                (long long)(waiter.ended - released));
  assert_in_range(waiter.ended - released, 0, soon_ms(kQuickMs)); /* with pauses it would be 25 s */
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  expect_nothing_left();
  redilock_lock_free(lock);
  redilock_op_free(op);
  attempt_free(&waiter);
  redilock_free(other);
}

static void release_to_nobody_drops_ten_thousand_dead(void **state) {
  (void)state;
  attempt_t holder;
  assert_int_equal(attempt(&holder, client, "lock", 60000, 0), REDILOCK_OK);
  add_dead();
  const int64_t released = now_ms();
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_in_range(now_ms() - released, 0, soon_ms(kQuickMs));
  expect_nothing_left();
  attempt_free(&holder);
}

static void acquire_passes_ten_thousand_dead(void **state) {
  (void)state;
  for (int64_t wait_ms = 0; wait_ms <= 30000; wait_ms += 30000) {
    attempt_t one;
    add_dead();
    assert_int_equal(attempt(&one, client, "lock", 60000, wait_ms), REDILOCK_OK);
    assert_in_range(one.ended - one.began, 0, soon_ms(kQuickMs));
    assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
    expect_nothing_left();
    attempt_free(&one);
  }
}

static void expired_lease_before_ten_thousand_dead_is_taken_over(void **state) {
  (void)state;
  attempt_t waiter;
  redis_do(server, "SET lock redilock:0123456789abcdef0123456789abcdef:gone PX 1500");
  add_dead();
  attempt_start(&waiter, client, "lock", 60000, 30000);
  const int64_t left_ms = redis_integer(server, "PTTL lock"), looked = now_ms();
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_in_range(waiter.ended - looked, left_ms - 5, soon_ms(left_ms + 2000 + kQuickMs));
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  expect_nothing_left();
  attempt_free(&waiter);
}

static pid_t spawn_waiter(const char *url) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no process behind */
  redilock_lock_t *lock = NULL;
  const int32_t status =
      redilock_acquire(client_at(url, NULL), "lock", 4, 60000, -1, &lock, NULL, 0);
  _exit(status == REDILOCK_OK ? 0 : 1);
}

static bool all_wait(void *argument) {
  (void)argument;
  return redis_integer(server, "ZCARD " QUEUE) == kKilled;
}

static void killed_processes_are_passed_at_once(void **state) {
  (void)state;
  pid_t pids[kKilled];
  redis_do(server, "FLUSHALL");
  redis_do(server, "SET lock redilock:0123456789abcdef0123456789abcdef:holder PX 120000");
  for (int i = 0; i < kKilled; ++i) pids[i] = spawn_waiter(server->url);
  assert_true(eventually(all_wait, NULL, 60000));
  for (int i = 0; i < kKilled; ++i) kill(pids[i], SIGKILL);
  for (int i = 0; i < kKilled; ++i) assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);

  attempt_t waiter;
  client = client_at(server->url, NULL);
  attempt_start(&waiter, client, "lock", 60000, 30000);
  assert_true(attempt_queued(&waiter));
  assert_int_equal(redis_integer(server, "ZCARD " QUEUE), kKilled + 1);
  const int64_t released = now_ms();
  const char token[] = "redilock:0123456789abcdef0123456789abcdef:holder";
  assert_int_equal(redilock_release_token(client, "lock", 4, token, sizeof token - 1, NULL, 0),
                   REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_in_range(waiter.ended - released, 0, soon_ms(1000));
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  expect_nothing_left();
  attempt_free(&waiter);
  redilock_free(client);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, connect_client, disconnect_client)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(killed_processes_are_passed_at_once), /* forks before there are threads */
      CASE(release_passes_ten_thousand_dead),
      CASE(submitted_release_passes_ten_thousand_dead),
      CASE(release_to_nobody_drops_ten_thousand_dead),
      CASE(acquire_passes_ten_thousand_dead),
      CASE(expired_lease_before_ten_thousand_dead_is_taken_over),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
