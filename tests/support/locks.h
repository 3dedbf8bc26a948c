/*
 * What most tests of the C API need: CMocka with its headers, statuses compared by name, clients of
 * a test's server, and waiters on threads of their own. What fails here outside of an assertion
 * ends the program.
 */
#ifndef REDILOCK_TESTS_LOCKS_H
#define REDILOCK_TESTS_LOCKS_H

#include <pthread.h>
#include <stdbool.h>

#include "redilock/redilock.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

#ifdef __cplusplus
extern "C" {
#endif

#define assert_status(expected, expression) \
  check_status(expected, expression, #expression, __FILE__, __LINE__)
void check_status(int32_t expected, int32_t actual, const char *what, const char *file, int line);

/** A client of the server; `query` is NULL or what goes behind the url: "timeout=200ms&db=3". */
redilock_client_t *new_client(const redis_server_t *server, const char *query);
redilock_op_t *new_op(redilock_client_t *client, const char *name);
/** Sets options of an operation: "wait=5s&ttl=1s". */
void set_options(redilock_op_t *op, const char *options);
/** Takes a lock that is free. */
redilock_lock_t *take(redilock_client_t *client, const char *name, int64_t ttl_ms);
/** The same with options of an operation: "ttl=1s&renew=yes". */
redilock_lock_t *take_with_options(redilock_client_t *client, const char *name,
                                   const char *options);
/** Releases a lock that is held, and frees the handle. */
void give(redilock_lock_t *lock);
/** How many wait for a name. */
int64_t waiters_of(redilock_client_t *client, const char *name);
bool wait_for_waiters(redilock_client_t *client, const char *name, int64_t count);
/** The message of an operation; valid until the next call on this thread. */
const char *message_of(const redilock_op_t *op);

/** A thread that waits for one lock. */
typedef struct waiter {
  redilock_op_t *op;
  redilock_lock_t *lock; /* once joined, NULL unless granted */
  int32_t status;        /* once joined */
  int64_t order;         /* how many waiters had ended before it */
  volatile int32_t ended;
  pthread_t thread;
} waiter_t;

/** Starts it, and returns when it stands in the queue (or has ended). `options`: "wait=5s&ttl=1s".
 */
waiter_t *start_waiter(redilock_client_t *client, const char *name, const char *options);
bool waiter_ended(void *waiter);
/** Waits for its end and tells how it ended. */
int32_t join_waiter(waiter_t *waiter);
/** Releases what it still holds and frees it, joined before. */
void free_waiter(waiter_t *waiter);

#ifdef __cplusplus
}
#endif

#endif
