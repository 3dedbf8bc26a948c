/*
 * What locks leave on the server: names that are used once leave nothing but fence counters, and
 * those of clients that waited leave only keys that expire.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/one_server.h"
#include "support/timing.h"

enum { kThreads = 4, kNames = 25000, kSlotWords = 16384 };

struct worker {
  pthread_t thread;
  redilock_client_t *client;
  int number, failures;
};

static void *use_names_once(void *argument) {
  struct worker *worker = argument;
  for (int i = 0; i < kNames; ++i) {
    char name[64];
    redilock_lock_t *lock = NULL;
    const int length = snprintf(name, sizeof name, "once:%d:%d", worker->number, i);
    if (redilock_acquire(worker->client, name, (size_t)length, 30000, i % 2, &lock, NULL, 0) !=
            REDILOCK_OK ||
        redilock_release(lock) != REDILOCK_OK)
      ++worker->failures;
    redilock_lock_free(lock);
  }
  return NULL;
}

static void names_used_once_leave_nothing_but_the_fence(void **state) {
  (void)state;
  struct worker workers[kThreads] = {0};
  redilock_client_t *client = client_at(server->url, NULL);
  for (int i = 0; i < kThreads; ++i) {
    workers[i].client = client;
    workers[i].number = i;
    assert_int_equal(pthread_create(&workers[i].thread, NULL, use_names_once, &workers[i]), 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(workers[i].thread, NULL);
    assert_int_equal(workers[i].failures, 0);
  }
  const int64_t counters =
      redis_integer(server, "EVAL %s 0", "return #redis.call('KEYS', 'redilock:1:{*}:fence')");
  assert_int_equal(redis_integer(server, "DBSIZE"), counters);
  assert_in_range(counters, 1, kSlotWords);
  redilock_free(client);
}

/* The record of a client that waited expires within three minutes. */
static void names_waited_for_leave_only_what_expires(void **state) {
  (void)state;
  redilock_client_t *holding = client_at(server->url, NULL),
                    *waiting = client_at(server->url, NULL);
  redis_do(server, "FLUSHALL");
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, holding, "lock", 30000, 0), REDILOCK_OK);
  attempt_start(&waiter, waiting, "lock", 30000, 10000);
  assert_true(attempt_queued(&waiter));
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(server, "DBSIZE"), 2);
  assert_in_range(redis_integer(server, "PTTL redilock:1:{}:alive"), 170000, 180000);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(waiting);
  redilock_free(holding);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_used_once_leave_nothing_but_the_fence),
      cmocka_unit_test(names_waited_for_leave_only_what_expires),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
