/* The fighting process, and starting and ending it. */
#define _GNU_SOURCE
#include "support/arena.h"

#include <redilock/redilock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/attempt.h"
#include "support/timing.h"

enum { kTtlMs = 1000, kWaitMs = 30000, kLongHoldMs = 150 };

int64_t arena_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

static struct hold *open_hold(struct arena *arena, int number, redilock_lock_t *lock) {
  const int index = atomic_fetch_add(&arena->holds, 1);
  if (index >= kArenaHolds) _exit(3);
  struct hold *hold = &arena->hold[index];
  hold->slot = number;
  hold->fence = redilock_lock_fence(lock);
  hold->from = arena_now();
  atomic_store(&arena->slots[number].open, index + 1);
  return hold;
}

/* Believes for a while, asks the server, and gives the lock back. */
static void hold_it(struct arena *arena, int number, redilock_lock_t *lock, unsigned *seed) {
  struct hold *hold = open_hold(arena, number, lock);
  const int64_t for_us = rand_r(seed) % 10 == 0 ? kLongHoldMs * 1000 : rand_r(seed) % 3000;
  int64_t last = hold->from, now = hold->from;
  while (now - hold->from < for_us && redilock_lock_is_held(lock)) {
    last = now;
    pass_ms(1);
    now = arena_now();
  }
  hold->checked = arena_now();
  hold->check = redilock_extend(lock, kTtlMs);
  now = arena_now();
  if (redilock_lock_is_held(lock)) last = now;
  atomic_store(&hold->until, last);
  atomic_store(&arena->slots[number].open, 0);
  redilock_release(lock); /* whatever it says, the belief is over */
}

static void fight(struct arena *arena, int number) {
  redilock_client_t *client = client_at(arena->url, "timeout=3s");
  struct slot *slot = &arena->slots[number];
  unsigned seed = (unsigned)getpid();
  while (!atomic_load(&arena->stop)) {
    redilock_lock_t *lock = NULL;
    const int64_t began = arena_now();
    atomic_store(&slot->since, began);
    const int32_t status = redilock_acquire(client, "lock", 4, kTtlMs, kWaitMs, &lock, NULL, 0);
    const int64_t waited = arena_now() - began;
    if (waited > atomic_load(&slot->longest)) atomic_store(&slot->longest, waited);
    atomic_store(&slot->since, 0);
    if (status == REDILOCK_OK) {
      hold_it(arena, number, lock, &seed);
      atomic_fetch_add(&slot->grants, 1);
    } else {
      atomic_fetch_add(&slot->failures[-status & 31], 1);
    }
    redilock_lock_free(lock);
    pass_ms(rand_r(&seed) % 3);
  }
  redilock_free(client);
}

struct arena *arena_new(const char *url) {
  struct arena *arena =
      mmap(NULL, sizeof *arena, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (arena == MAP_FAILED) abort();
  arena->url = url;
  return arena;
}

void arena_free(struct arena *arena) { munmap(arena, sizeof *arena); }

void arena_spawn(struct arena *arena, int slot) {
  const pid_t parent = getpid(), pid = fork();
  if (pid < 0) abort();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0); /* the program has already ended */
    fight(arena, slot);
    _exit(0);
  }
  arena->slots[slot].pid = pid;
}

void arena_kill(struct arena *arena, int slot) {
  struct slot *killed = &arena->slots[slot];
  kill(killed->pid, SIGKILL);
  waitpid(killed->pid, NULL, 0);
  const int open = atomic_exchange(&killed->open, 0);
  if (open > 0) {
    long long none = 0;
    atomic_compare_exchange_strong(&arena->hold[open - 1].until, &none, arena_now());
  }
  killed->pid = 0;
  atomic_store(&killed->since, 0);
}

bool arena_end(struct arena *arena, int slots) {
  bool well = true;
  atomic_store(&arena->stop, true);
  for (int i = 0; i < slots; ++i) {
    int status = 0;
    waitpid(arena->slots[i].pid, &status, 0);
    well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return well;
}
