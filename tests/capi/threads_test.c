/* Threads that fight for locks: counters guarded by them are exact, also under a rain of signals.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "support/child.h"
#include "support/locks.h"
#include "support/one_server.h"

/* A wake-up that was lost is made good by the re-check after 2 s. */
enum { kThreads = 8, kLocks = 3, kStalledMs = 1500 };

/* The order of two holders is made by the server, which TSan cannot see: hence relaxed atomics,
   read and written apart. */
struct fight {
  redilock_client_t *clients[2];
  int64_t counters[kLocks];
  int64_t fences[kLocks];
  int rounds;
  int32_t first_failure;
  int64_t slowest_ms; /* of those that wait for ever */
  int overlaps;
  int inside[kLocks];
};

struct fighter {
  struct fight *fight;
  int number;
  int64_t wait_ms;
  pthread_t thread;
};

static void note_failure(struct fight *fight, int32_t status) {
  int32_t none = REDILOCK_OK;
  __atomic_compare_exchange_n(&fight->first_failure, &none, status, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_SEQ_CST);
}

/* The lock is all that makes the increment whole. */
static void count_under_lock(struct fight *fight, int which, int64_t fence) {
  if (__atomic_fetch_add(&fight->inside[which], 1, __ATOMIC_SEQ_CST) != 0)
    __atomic_fetch_add(&fight->overlaps, 1, __ATOMIC_SEQ_CST);
  const int64_t seen = __atomic_load_n(&fight->counters[which], __ATOMIC_RELAXED);
  if (__atomic_load_n(&fight->fences[which], __ATOMIC_RELAXED) >= fence)
    note_failure(fight, REDILOCK_E_INTERNAL);
  __atomic_store_n(&fight->fences[which], fence, __ATOMIC_RELAXED);
  sched_yield();
  __atomic_store_n(&fight->counters[which], seen + 1, __ATOMIC_RELAXED);
  __atomic_fetch_sub(&fight->inside[which], 1, __ATOMIC_SEQ_CST);
}

static void note_time(struct fight *fight, int64_t ms) {
  int64_t slowest = __atomic_load_n(&fight->slowest_ms, __ATOMIC_SEQ_CST);
  while (ms > slowest && !__atomic_compare_exchange_n(&fight->slowest_ms, &slowest, ms, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
}

static void *run_fighter(void *argument) {
  const struct fighter *self = argument;
  struct fight *fight = self->fight;
  for (int i = 0; i < fight->rounds; ++i) {
    const int which = (self->number + i) % kLocks;
    char name[16];
    redilock_lock_t *lock = NULL;
    const int length = snprintf(name, sizeof name, "job:%d", which);
    const int64_t before = now_ms();
    int32_t status = redilock_acquire(fight->clients[self->number % 2], name, (size_t)length, 20000,
                                      self->wait_ms, &lock, NULL, 0);
    if (self->wait_ms < 0) note_time(fight, now_ms() - before);
    if (status == REDILOCK_OK) {
      count_under_lock(fight, which, redilock_lock_fence(lock));
      status = redilock_release(lock);
    }
    if (status != REDILOCK_OK && (status != REDILOCK_E_TIMEOUT || self->wait_ms < 0))
      note_failure(fight, status);
    redilock_lock_free(lock);
  }
  return NULL;
}

static void check_outcome(const struct fight *fight) {
  assert_status(REDILOCK_OK, fight->first_failure);
  assert_int_equal(fight->overlaps, 0);
  assert_in_range(fight->slowest_ms, 0, soon_ms(kStalledMs));
  for (int i = 0; i < kLocks; ++i) {
    char name[16];
    snprintf(name, sizeof name, "job:%d", i);
    assert_int_equal(waiters_of(fight->clients[0], name), 0);
    assert_int_equal(redis_integer(server, "EXISTS %s", name), 0);
  }
}

/* Returns how many increments there were. The hasty ones wait for 1 to 4 ms at most. */
static int64_t fight_it_out(int clients, int threads, int hasty, int rounds) {
  struct fighter fighters[kThreads];
  struct fight fight;
  memset(&fight, 0, sizeof fight);
  fight.rounds = rounds;
  for (int i = 0; i < clients; ++i) fight.clients[i] = new_client(server, NULL);
  if (clients == 1) fight.clients[1] = fight.clients[0];
  for (int i = 0; i < threads; ++i) {
    fighters[i].fight = &fight;
    fighters[i].number = i;
    fighters[i].wait_ms = i < hasty ? 1 + i % 4 : REDILOCK_WAIT_FOREVER;
    assert_int_equal(pthread_create(&fighters[i].thread, NULL, run_fighter, &fighters[i]), 0);
  }
  for (int i = 0; i < threads; ++i) pthread_join(fighters[i].thread, NULL);
  check_outcome(&fight);
  for (int i = 0; i < clients; ++i) redilock_free(fight.clients[i]);
  return fight.counters[0] + fight.counters[1] + fight.counters[2];
}

static void threads_times_locks_count_exactly(void **state) {
  (void)state;
  assert_int_equal(fight_it_out(2, kThreads, 0, 120), kThreads * 120);
}

/* Two threads of one client hand the lock to each other: each wake-up is read by either of them. */
static void threads_of_one_client_lose_no_wake_up(void **state) {
  (void)state;
  for (int threads = 2; threads <= kThreads; threads += 2)
    assert_int_equal(fight_it_out(1, threads, 0, 200), threads * 200);
}

/* Whoever gives up in the middle of a wait may be the one who reads for all the others. */
static void who_gives_up_waiting_stalls_nobody(void **state) {
  (void)state;
  const int64_t count = fight_it_out(1, kThreads, kThreads / 2, 400);
  assert_in_range(count, kThreads / 2 * 400, kThreads * 400);
}

static int alarms; /* counted by whatever threads the signals find */

static void count_alarm(int number) {
  (void)number;
  __atomic_fetch_add(&alarms, 1, __ATOMIC_RELAXED);
}

static void a_thousand_signals_a_second_change_nothing(void **state) {
  (void)state;
  const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  struct sigaction action, old;
  memset(&action, 0, sizeof action);
  action.sa_handler = count_alarm; /* without SA_RESTART */
  sigaction(SIGALRM, &action, &old);
  __atomic_store_n(&alarms, 0, __ATOMIC_RELAXED);
  setitimer(ITIMER_REAL, &often, NULL);
  const int64_t count = fight_it_out(2, 4, 0, 400);
  setitimer(ITIMER_REAL, &never, NULL);
  assert_int_equal(count, 4 * 400);
  assert_true(__atomic_load_n(&alarms, __ATOMIC_RELAXED) > 20);
  signal(SIGALRM, SIG_IGN); /* drops one that is still to come, which would end the program */
  sigaction(SIGALRM, &old, NULL);
}

/* ---------------------------------------------------------------- processes */

/* GET and SET, not INCR: without the lock the counter would come out short. */
static int count_in_redis(child_t *self, void *rounds) {
  redilock_client_t *client = new_client(server, NULL);
  tell(self, 1);
  hear(self);
  for (int i = 0; i < *(const int *)rounds; ++i) {
    char name[16], key[16], text[32];
    redilock_lock_t *lock = NULL;
    snprintf(key, sizeof key, "count:%d", i % kLocks);
    const int length = snprintf(name, sizeof name, "job:%d", i % kLocks);
    if (redilock_acquire(client, name, (size_t)length, 20000, -1, &lock, NULL, 0) != REDILOCK_OK)
      return 1;
    redis_text(server, text, sizeof text, "GET %s", key);
    redis_do(server, "SET %s %lld", key, strtoll(text, NULL, 10) + 1);
    if (redilock_release(lock) != REDILOCK_OK) return 2;
    redilock_lock_free(lock);
  }
  redilock_free(client);
  return 0;
}

static void processes_times_locks_count_exactly(void **state) {
  (void)state;
  enum { kProcesses = 6 };
  int rounds = 60;
  child_t children[kProcesses];
  for (int i = 0; i < kProcesses; ++i) {
    children[i] = start_child(count_in_redis, &rounds);
    assert_int_equal(hear(&children[i]), 1);
  }
  for (int i = 0; i < kProcesses; ++i) tell(&children[i], 1);
  for (int i = 0; i < kProcesses; ++i) assert_int_equal(end_of(&children[i]), 0);
  for (int i = 0; i < kLocks; ++i) {
    char text[32];
    redis_text(server, text, sizeof text, "GET count:%d", i);
    assert_int_equal(atoi(text), kProcesses * rounds / kLocks);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(processes_times_locks_count_exactly),
      cmocka_unit_test(threads_times_locks_count_exactly),
      cmocka_unit_test(threads_of_one_client_lose_no_wake_up),
      cmocka_unit_test(who_gives_up_waiting_stalls_nobody),
      cmocka_unit_test(a_thousand_signals_a_second_change_nothing),
  };
  return cmocka_run_group_tests_name("capi/threads", tests, start_server, stop_server);
}
