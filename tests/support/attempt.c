/* Acquiring for tests: what each needs said once. */
#include "support/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/timing.h"

static void need(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "tests/support/attempt: %s\n", what);
  abort();
}

redilock_client_t *client_at(const char *url, const char *query) {
  char text[512], error[256] = "";
  snprintf(text, sizeof text, "%s%s%s", url, query == NULL ? "" : "?", query == NULL ? "" : query);
  redilock_client_t *client = NULL;
  need(redilock_new(text, NULL, &client, error, sizeof error) == REDILOCK_OK, error);
  return client;
}

static void prepare(attempt_t *attempt, redilock_client_t *client, const char *name, int64_t ttl_ms,
                    int64_t wait_ms) {
  memset(attempt, 0, sizeof *attempt);
  need(redilock_op_new(client, &attempt->op) == REDILOCK_OK, "no operation");
  need(redilock_op_set(attempt->op, "name", name) == REDILOCK_OK, "name");
  need(redilock_op_set_int(attempt->op, "ttl", ttl_ms) == REDILOCK_OK, "ttl");
  need(redilock_op_set_int(attempt->op, "wait", wait_ms) == REDILOCK_OK, "wait");
  attempt->began = now_ms();
}

static void *run(void *argument) {
  attempt_t *attempt = argument;
  attempt->status = redilock_op_acquire(attempt->op, &attempt->lock);
  attempt->ended = now_ms();
  if (attempt->lock != NULL) attempt->fence = redilock_lock_fence(attempt->lock);
  redilock_op_message(attempt->op, attempt->message, sizeof attempt->message);
  atomic_store(&attempt->done, true);
  return NULL;
}

int32_t attempt(attempt_t *attempt, redilock_client_t *client, const char *name, int64_t ttl_ms,
                int64_t wait_ms) {
  prepare(attempt, client, name, ttl_ms, wait_ms);
  run(attempt);
  return attempt->status;
}

void attempt_start(attempt_t *attempt, redilock_client_t *client, const char *name, int64_t ttl_ms,
                   int64_t wait_ms) {
  prepare(attempt, client, name, ttl_ms, wait_ms);
  need(pthread_create(&attempt->thread, NULL, run, attempt) == 0, "no thread");
  attempt->in_thread = true;
}

int32_t attempt_join(attempt_t *attempt) {
  if (attempt->in_thread) pthread_join(attempt->thread, NULL);
  attempt->in_thread = false;
  return attempt->status;
}

static bool in_queue(void *argument) {
  return redilock_op_position(((attempt_t *)argument)->op) > 0;
}

bool attempt_queued(attempt_t *attempt) { return eventually(in_queue, attempt, 10000); }

static bool is_done(void *argument) { return atomic_load(&((attempt_t *)argument)->done); }

bool attempt_done(attempt_t *attempt, int64_t within_ms) {
  return eventually(is_done, attempt, within_ms);
}

void attempt_free(attempt_t *attempt) {
  attempt_join(attempt);
  redilock_lock_free(attempt->lock);
  redilock_op_free(attempt->op);
  attempt->lock = NULL;
  attempt->op = NULL;
}

int64_t attempt_and_release(redilock_client_t *client, const char *name) {
  attempt_t one;
  attempt(&one, client, name, 10000, 10000);
  if (one.status != REDILOCK_OK) fail_msg("not granted: %s", one.message);
  assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
  const int64_t fence = one.fence;
  attempt_free(&one);
  return fence;
}
