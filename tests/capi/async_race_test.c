/* Submitted operations under load: cancels meet grants by the thousands, threads submit and take at
 * once, clients are closed with everything under way. Each request ends once, and nothing is left. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/async.h"
#include "support/one_client.h"
#include "support/side_keys.h"

enum { kNames = 8, kOps = 64, kRounds = 40, kThreads = 4, kOfThread = 150, kCloses = 40 };

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=5s");
}

static const char *name_of(uint64_t i) {
  static _Thread_local char name[16];
  snprintf(name, sizeof name, "job%d", (int)(i % kNames));
  return name;
}

/* ---------------------------------------------------------------- cancel against grant */

struct canceller {
  redilock_op_t *ops[kOps];
  uint32_t seed;
  pthread_t thread;
};

static uint32_t random_of(uint32_t *seed) { return *seed = *seed * 1664525 + 1013904223; }

/* Yielding instead would cost a time slice of each busy neighbour. */
static void spin_us(int64_t us) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t end = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 + us;
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 < end);
}

/* About half of them, in any order, while they are granted one after the other. */
static void *cancel_some(void *argument) {
  struct canceller *canceller = argument;
  for (int i = 0; i < kOps / 2; ++i) {
    redilock_op_cancel(canceller->ops[(random_of(&canceller->seed) >> 8) % kOps]);
    spin_us(random_of(&canceller->seed) >> 24);
  }
  return NULL;
}

struct tally {
  int granted, cancelled, released;
};

/* On a machine with more to do, one side may be over before the other begins. */
static bool saw_enough(const struct tally *tally) {
  return tally->granted > 10 * kRounds && tally->cancelled > 10 * kRounds;
}

/* Takes the completions of all of them. Who was granted releases by the same operation. */
static void take_completions(redilock_op_t **ops, struct tally *tally) {
  int acquires[kOps] = {0}, under_way = kOps;
  redilock_lock_t *locks[kOps] = {0};
  while (under_way > 0) {
    const completion_t one = next_completion(client);
    assert_in_range(one.tag, 0, kOps - 1);
    if (one.kind == REDILOCK_COMPLETION_RELEASE) {
      assert_status(REDILOCK_OK, one.status);
      redilock_lock_free(locks[one.tag]);
      locks[one.tag] = NULL;
      ++tally->released;
      --under_way;
      continue;
    }
    assert_int_equal(one.kind, REDILOCK_COMPLETION_ACQUIRE);
    assert_int_equal(++acquires[one.tag], 1);
    if (one.status == REDILOCK_OK) {
      ++tally->granted;
      locks[one.tag] = lock_of(ops[one.tag]);
      assert_status(REDILOCK_OK, redilock_op_submit_release(ops[one.tag], locks[one.tag], one.tag));
    } else {
      assert_status(REDILOCK_E_CANCELLED, one.status);
      ++tally->cancelled;
      --under_way;
    }
  }
}

static void nothing_is_left(void) {
  for (uint64_t i = 0; i < kNames; ++i) {
    assert_int_equal(redis_integer(server, "EXISTS %s", name_of(i)), 0);
    assert_int_equal(redis_integer(server, "ZCARD %s", queue_of(name_of(i))), 0);
  }
}

static void cancels_against_grants_have_one_outcome_each(void **state) {
  (void)state;
  struct tally tally = {0, 0, 0};
  int round = 0;
  for (; round < kRounds || (!saw_enough(&tally) && round < 20 * kRounds); ++round) {
    struct canceller canceller = {.seed = (uint32_t)round + 1};
    for (uint64_t i = 0; i < kOps; ++i) canceller.ops[i] = submit(client, name_of(i), NULL, i);
    assert_int_equal(pthread_create(&canceller.thread, NULL, cancel_some, &canceller), 0);
    take_completions(canceller.ops, &tally);
    pthread_join(canceller.thread, NULL);
    expect_no_completion(client);
    nothing_is_left();
    for (int i = 0; i < kOps; ++i) redilock_op_free(canceller.ops[i]);
  }
  print_message("%d granted, %d cancelled\n", tally.granted, tally.cancelled);
  assert_int_equal(tally.granted + tally.cancelled, round * kOps);
  assert_int_equal(tally.released, tally.granted);
  assert_true(saw_enough(&tally));
}

/* ---------------------------------------------------------------- threads */

struct worker {
  int number;
  int64_t *guarded;
  redilock_op_t **ops;
  pthread_t thread;
};

static void *submit_many(void *argument) {
  struct worker *worker = argument;
  for (int i = 0; i < kOfThread; ++i) {
    const uint64_t tag = (uint64_t)(worker->number * kOfThread + i);
    worker->ops[tag] = new_op(client, name_of(tag));
    if (redilock_op_set(worker->ops[tag], "wait", "forever") != REDILOCK_OK) abort();
    if (redilock_op_submit_acquire(worker->ops[tag], tag) != REDILOCK_OK) abort();
  }
  return NULL;
}

/* Takes what comes, and frees the operation at once: its submitter may not have returned yet. Ends
 * by the completion of a request that was not granted. */
static void *take_many(void *argument) {
  struct worker *worker = argument;
  int64_t taken = 0;
  for (;;) {
    const completion_t one = next_completion(client);
    if (one.status != REDILOCK_OK) return NULL;
    if (one.kind != REDILOCK_COMPLETION_ACQUIRE) continue;
    redilock_lock_t *lock = NULL;
    if (redilock_op_take_lock(worker->ops[one.tag], &lock) != REDILOCK_OK) abort();
    redilock_op_free(worker->ops[one.tag]);
    int64_t *guarded = &worker->guarded[one.tag % kNames];
    const int64_t before = __atomic_load_n(guarded, __ATOMIC_RELAXED);
    sched_yield();
    __atomic_store_n(guarded, before + 1, __ATOMIC_RELAXED);
    if (redilock_release(lock) != REDILOCK_OK) abort();
    redilock_lock_free(lock);
    __atomic_fetch_add(&worker->guarded[kNames], 1, __ATOMIC_SEQ_CST);
    ++taken;
  }
}

static bool all_were_taken(void *guarded) {
  return __atomic_load_n(&((int64_t *)guarded)[kNames], __ATOMIC_SEQ_CST) == kThreads * kOfThread;
}

static void threads_submit_and_take_at_once(void **state) {
  (void)state;
  static redilock_op_t *ops[kThreads * kOfThread];
  int64_t guarded[kNames + 1] = {0}, sum = 0;
  struct worker submitters[kThreads], takers[2];
  for (int i = 0; i < 2; ++i) {
    takers[i] = (struct worker){.guarded = guarded, .ops = ops};
    assert_int_equal(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    submitters[i] = (struct worker){.number = i, .ops = ops};
    assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]), 0);
  }
  for (int i = 0; i < kThreads; ++i) pthread_join(submitters[i].thread, NULL);
  assert_true(eventually(all_were_taken, guarded, 30000));
  redilock_lock_t *held = take(client, "held", 60000);
  redilock_op_t *ends[2];
  for (uint64_t i = 0; i < 2; ++i) ends[i] = submit(client, "held", "wait=0", i);
  for (int i = 0; i < 2; ++i) pthread_join(takers[i].thread, NULL);
  for (int i = 0; i < kNames; ++i) sum += guarded[i];
  assert_int_equal(sum, kThreads * kOfThread);
  expect_no_completion(client);
  nothing_is_left();
  give(held);
  for (int i = 0; i < 2; ++i) redilock_op_free(ends[i]);
}

/* ---------------------------------------------------------------- closing */

static const char *name_in(int round, uint64_t i) {
  static char name[32];
  snprintf(name, sizeof name, "round%d:%d", round, (int)(i % kNames));
  return name;
}

static bool nobody_is_subscribed(void *unused) {
  (void)unused;
  redisReply *channels = redis_command(server, "PUBSUB CHANNELS redilock:1:*");
  const bool nobody = channels->elements == 0;
  freeReplyObject(channels);
  return nobody;
}

/* Closed as soon as a number of completions was taken: anything may be under way. The names are of this
 * round alone. */
static void close_after(int completions) {
  redilock_client_t *closing = new_client(server, "timeout=5s");
  redilock_op_t *ops[kOps];
  redilock_lock_t *locks[kOps] = {0};
  for (uint64_t i = 0; i < kOps; ++i) {
    ops[i] = submit(closing, name_in(completions, i), "ttl=500ms&renew=yes", i);
    if (i % 5 == 0) redilock_op_cancel(ops[i]);
  }
  for (int taken = 0; taken < completions; ++taken) {
    const completion_t one = next_completion(closing);
    if (one.kind != REDILOCK_COMPLETION_ACQUIRE || one.status != REDILOCK_OK) continue;
    locks[one.tag] = watched_lock_of(ops[one.tag], one.tag);
    assert_status(REDILOCK_OK, redilock_op_submit_release(ops[one.tag], locks[one.tag], one.tag));
  }
  const int64_t began = now_ms();
  redilock_free(closing);
  assert_in_range(now_ms() - began, 0, soon_ms(1000));
  for (uint64_t i = 0; i < kOps; ++i) {
    redilock_lock_t *lock = NULL;
    assert_int_not_equal(redilock_op_submit_acquire(ops[i], i), REDILOCK_OK);
    assert_int_not_equal(redilock_op_take_lock(ops[i], &lock), REDILOCK_OK);
    redilock_op_cancel(ops[i]);
    redilock_op_free(ops[i]);
    redilock_lock_free(locks[i]);
  }
}

static void a_client_is_closed_with_everything_under_way(void **state) {
  (void)state;
  for (int i = 0; i < kCloses; ++i) close_after(i);
  assert_true(eventually(nobody_is_subscribed, NULL, 5000));
  for (int i = 0; i < kCloses * kNames; ++i) {
    char name[32];
    redilock_lock_t *lock = NULL;
    snprintf(name, sizeof name, "%s", name_in(i / kNames, (uint64_t)i));
    assert_true(eventually(is_free, name, 5000)); /* what was granted ran out */
    assert_status(REDILOCK_OK,
                  redilock_acquire(client, name, strlen(name), 1000, 5000, &lock, NULL, 0));
    give(lock);
  }
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(cancels_against_grants_have_one_outcome_each),
      CASE(threads_submit_and_take_at_once),
      CASE(a_client_is_closed_with_everything_under_way),
  };
  return cmocka_run_group_tests_name("capi/async_race", tests, start_server, stop_server);
}
