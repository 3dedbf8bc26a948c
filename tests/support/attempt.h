/*
 * An attempt to get a lock, in a thread of its own or in this one, with all that is to be known of
 * how it ended. It owns its lock, which is freed with it. Failures of the test itself end the
 * program.
 */
#ifndef REDILOCK_TESTS_ATTEMPT_H
#define REDILOCK_TESTS_ATTEMPT_H

#include <pthread.h>
#include <redilock/redilock.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct attempt {
  redilock_op_t *op;
  redilock_lock_t *lock;
  int32_t status;
  int64_t fence;
  int64_t began, ended; /* of now_ms() */
  char message[512];
  pthread_t thread;
  bool in_thread;
  atomic_bool done;
} attempt_t;

/** A client of a server; `query` is NULL or has options, as in "timeout=1s&pool=1". */
redilock_client_t *client_at(const char *url, const char *query);

/** Acquires, and returns the status. */
int32_t attempt(attempt_t *attempt, redilock_client_t *client, const char *name, int64_t ttl_ms,
                int64_t wait_ms);
/** The same in a thread; attempt_join waits for it and returns the status. */
void attempt_start(attempt_t *attempt, redilock_client_t *client, const char *name, int64_t ttl_ms,
                   int64_t wait_ms);
int32_t attempt_join(attempt_t *attempt);
/** Waits until it stands in the queue, for at most ten seconds. */
bool attempt_queued(attempt_t *attempt);
/** Waits until it ended. */
bool attempt_done(attempt_t *attempt, int64_t within_ms);
/** Frees the lock and the operation. */
void attempt_free(attempt_t *attempt);

/** Acquires, asserts that it was granted, and releases; returns the fence. */
int64_t attempt_and_release(redilock_client_t *client, const char *name);

#endif
