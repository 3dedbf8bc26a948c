/*
 * Processes that fight for one lock, each of which writes down in shared memory when it believed to
 * hold it, so that a checker can lay all of that on one clock.
 */
#ifndef REDILOCK_TESTS_ARENA_H
#define REDILOCK_TESTS_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { kArenaSlots = 16, kArenaHolds = 100000 };

/** One belief to hold the lock; times in microseconds of CLOCK_MONOTONIC. */
struct hold {
  int slot;
  int64_t fence;
  int64_t from;
  atomic_llong until; /* the last moment at which it still believed; 0 while it does */
  int64_t checked;    /* when it asked the server whether it still holds, 0 if it did not */
  int32_t check;      /* what that said */
};

struct slot {
  pid_t pid;
  atomic_int open;    /* number of its open hold + 1, or 0 */
  atomic_llong since; /* when its last acquire began, 0 while none runs */
  atomic_int grants;
  atomic_int failures[32]; /* by status, negated */
  atomic_llong longest;    /* wait, in microseconds */
};

struct arena {
  const char *url;
  atomic_bool stop;
  atomic_int holds;
  struct slot slots[kArenaSlots];
  struct hold hold[kArenaHolds];
};

/** CLOCK_MONOTONIC in microseconds. */
int64_t arena_now(void);

struct arena *arena_new(const char *url);
void arena_free(struct arena *arena);
/** Starts the process of a slot; from a program that has no other thread. */
void arena_spawn(struct arena *arena, int slot);
/** kill -9 of the process, whose belief ends there. */
void arena_kill(struct arena *arena, int slot);
/** Lets all end by themselves; false if one ended badly. */
bool arena_end(struct arena *arena, int slots);

#endif
