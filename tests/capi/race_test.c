/* A grant meets a cancel or the end of the wait, thousands of times: exactly one outcome, nothing
 * left behind. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/locks.h"

enum { kRounds = 2000 };

static redis_server_t *server;
static redilock_client_t *client, *other;

static int start(void **state) {
  (void)state;
  server = redis_start(NULL);
  client = new_client(server, NULL);
  other = new_client(server, NULL);
  return 0;
}

static int stop(void **state) {
  (void)state;
  redilock_free(client);
  redilock_free(other);
  redis_stop(server);
  return 0;
}

/* A thread that acquires with an operation of its own each time the barrier opens. */
struct racer {
  redilock_op_t *op;
  redilock_lock_t *lock;
  int32_t status;
  bool over;
  pthread_barrier_t go, done;
  pthread_t thread;
};

static void *run_racer(void *argument) {
  struct racer *racer = argument;
  for (;;) {
    pthread_barrier_wait(&racer->go);
    if (racer->over) return NULL;
    racer->status = redilock_op_acquire(racer->op, &racer->lock);
    pthread_barrier_wait(&racer->done);
  }
}

static void start_racer(struct racer *racer, redilock_client_t *by, int64_t wait_ms) {
  memset(racer, 0, sizeof *racer);
  racer->op = new_op(by, "job");
  assert_status(REDILOCK_OK, redilock_op_set_int(racer->op, "wait", wait_ms));
  assert_status(REDILOCK_OK, redilock_op_set_int(racer->op, "ttl", 60000));
  pthread_barrier_init(&racer->go, NULL, 2);
  pthread_barrier_init(&racer->done, NULL, 2);
  assert_int_equal(pthread_create(&racer->thread, NULL, run_racer, racer), 0);
}

static void stop_racer(struct racer *racer) {
  racer->over = true;
  pthread_barrier_wait(&racer->go);
  pthread_join(racer->thread, NULL);
  pthread_barrier_destroy(&racer->go);
  pthread_barrier_destroy(&racer->done);
  redilock_op_free(racer->op);
}

static bool stands_in_queue(void *racer) {
  return redilock_op_position(((struct racer *)racer)->op) > 0;
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void spin_until(int64_t time_us) {
  while (now_us() < time_us) sched_yield();
}

/* One racer that may lose its place, one behind it that must be granted in any case. */
struct race {
  struct racer first, second;
  int granted, not_granted;
};

static void begin_round(struct race *race) {
  pthread_barrier_wait(&race->first.go);
  while (!stands_in_queue(&race->first)) sched_yield();
  pthread_barrier_wait(&race->second.go);
  assert_true(eventually(stands_in_queue, &race->second, 5000));
}

/* The first's outcome is a lock or `failure`; whatever it was, the second gets the lock after it.
 */
static void end_round(struct race *race, int32_t failure) {
  int64_t fence = 0;
  pthread_barrier_wait(&race->first.done);
  if (race->first.status == REDILOCK_OK) {
    assert_non_null(race->first.lock);
    assert_int_equal(redilock_lock_is_held(race->first.lock), 1);
    fence = redilock_lock_fence(race->first.lock);
    give(race->first.lock);
    ++race->granted;
  } else {
    assert_status(failure, race->first.status);
    assert_null(race->first.lock);
    ++race->not_granted;
  }
  pthread_barrier_wait(&race->second.done);
  assert_status(REDILOCK_OK, race->second.status);
  assert_true(redilock_lock_fence(race->second.lock) > fence);
  give(race->second.lock);
  redilock_op_reset(race->first.op);
}

static void nothing_is_left(void) {
  assert_int_equal(waiters_of(client, "job"), 0);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
}

static void cancel_against_grant_has_one_outcome(void **state) {
  (void)state;
  struct race race = {0};
  start_racer(&race.first, client, -1);
  start_racer(&race.second, other, -1);
  for (int i = 0; i < kRounds; ++i) {
    redilock_lock_t *lock = take(client, "job", 60000);
    begin_round(&race);
    if (i % 2 == 0) {
      const int32_t status = redilock_release(lock); /* the grant is on its way */
      assert_status(REDILOCK_OK, status);
      spin_until(now_us() + i % 31);
      redilock_op_cancel(race.first.op);
    } else {
      redilock_op_cancel(race.first.op); /* its leaving is on its way */
      spin_until(now_us() + i % 53);
      assert_status(REDILOCK_OK, redilock_release(lock));
    }
    redilock_lock_free(lock);
    end_round(&race, REDILOCK_E_CANCELLED);
  }
  stop_racer(&race.first);
  stop_racer(&race.second);
  print_message("%d granted, %d cancelled\n", race.granted, race.not_granted);
  assert_true(race.granted > 0 && race.not_granted > 0);
  nothing_is_left();
}

static void timeout_against_grant_has_one_outcome(void **state) {
  (void)state;
  enum { kWaitMs = 4 };
  int too_late = 0;
  struct race race = {0};
  start_racer(&race.first, client, kWaitMs);
  start_racer(&race.second, other, -1);
  for (int i = 0; i < kRounds; ++i) {
    redilock_lock_t *lock = take(client, "job", 60000);
    pthread_barrier_wait(&race.first.go);
    const int64_t begin = now_us();
    pthread_barrier_wait(&race.second.go);
    assert_true(eventually(stands_in_queue, &race.second, 5000));
    const int64_t at = begin + kWaitMs * 1000 - 400 + i % 8 * 100;
    too_late += now_us() > at;
    spin_until(at);
    give(lock);
    end_round(&race, REDILOCK_E_TIMEOUT);
  }
  stop_racer(&race.first);
  stop_racer(&race.second);
  print_message("%d granted, %d timed out, %d late\n", race.granted, race.not_granted, too_late);
  assert_true(race.granted > 0 && race.not_granted > 0);
  nothing_is_left();
}

/* Of three waiters of one client one reads for all. Two give up at once, and the reader may have
   named the other as its successor: the third has to be heard by itself. */
static void who_gives_up_leaves_one_who_reads(void **state) {
  (void)state;
  const char *const names[] = {"a", "b", "c"};
  for (int i = 0; i < 100; ++i) {
    redilock_lock_t *locks[3];
    waiter_t *waiters[3];
    for (int k = 0; k < 3; ++k) {
      locks[k] = take(other, names[k], 60000);
      waiters[k] = start_waiter(client, names[k], "wait=forever");
    }
    redilock_op_cancel(waiters[i % 2]->op);
    redilock_op_cancel(waiters[1 - i % 2]->op);
    for (int k = 0; k < 2; ++k) assert_status(REDILOCK_E_CANCELLED, join_waiter(waiters[k]));
    const int64_t before = now_ms();
    for (int k = 0; k < 3; ++k) give(locks[k]);
    assert_status(REDILOCK_OK, join_waiter(waiters[2]));
    assert_in_range(now_ms() - before, 0, soon_ms(1000));
    for (int k = 0; k < 3; ++k) free_waiter(waiters[k]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cancel_against_grant_has_one_outcome),
      cmocka_unit_test(who_gives_up_leaves_one_who_reads),
      cmocka_unit_test(timeout_against_grant_has_one_outcome),
  };
  return cmocka_run_group_tests_name("capi/race", tests, start, stop);
}
