/* Submitted operations in tests, and their completions. What fails inside ends the test. */
#ifndef REDILOCK_TESTS_ASYNC_H
#define REDILOCK_TESTS_ASYNC_H

#include "support/locks.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct completion {
  uint64_t tag;
  int32_t kind, status;
} completion_t;

/** Whether the descriptor of the client is readable by then. */
bool has_completions(redilock_client_t *client, int64_t within_ms);
/** The next completion, which has to come. */
completion_t next_completion(redilock_client_t *client);
void expect_completion(redilock_client_t *client, uint64_t tag, int32_t kind, int32_t status);
/** There is none, and the descriptor says so. */
void expect_no_completion(redilock_client_t *client);

/** A new operation that has submitted an acquire; `options`: NULL, or "wait=5s&ttl=1s". It waits for
 * ever where they do not say. */
redilock_op_t *submit(redilock_client_t *client, const char *name, const char *options,
                      uint64_t tag);
/** The lock of an acquire that was granted, once its completion was taken. */
redilock_lock_t *lock_of(redilock_op_t *op);
/** The same, with a watch for its loss. */
redilock_lock_t *watched_lock_of(redilock_op_t *op, uint64_t tag);

#ifdef __cplusplus
}
#endif

#endif
