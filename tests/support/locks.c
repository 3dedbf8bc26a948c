/* Clients, locks and waiting threads for tests of the C API. */
#include "support/locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"

enum { kQueueMs = 10000 };

static int64_t ended_waiters;

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "tests/support/locks: %s\n", what);
  abort();
}

void check_status(int32_t expected, int32_t actual, const char *what, const char *file, int line) {
  if (expected == actual) return;
  print_error("%s is %s, not %s\n", what, redilock_status_name(actual),
              redilock_status_name(expected));
  _fail(file, line);
}

redilock_client_t *new_client(const redis_server_t *server, const char *query) {
  return client_at(server->url, query);
}

redilock_op_t *new_op(redilock_client_t *client, const char *name) {
  redilock_op_t *op = NULL;
  must(redilock_op_new(client, &op) == REDILOCK_OK, "no operation");
  must(name == NULL || redilock_op_set(op, "name", name) == REDILOCK_OK, "not a name");
  return op;
}

redilock_lock_t *take(redilock_client_t *client, const char *name, int64_t ttl_ms) {
  redilock_lock_t *lock = NULL;
  const int32_t status = redilock_acquire(client, name, strlen(name), ttl_ms, 0, &lock, NULL, 0);
  must(status == REDILOCK_OK, redilock_status_name(status));
  return lock;
}

redilock_lock_t *take_with_options(redilock_client_t *client, const char *name,
                                   const char *options) {
  redilock_lock_t *lock = NULL;
  redilock_op_t *op = new_op(client, name);
  set_options(op, options);
  const int32_t status = redilock_op_acquire(op, &lock);
  must(status == REDILOCK_OK, redilock_status_name(status));
  redilock_op_free(op);
  return lock;
}

void give(redilock_lock_t *lock) {
  const int32_t status = redilock_release(lock);
  must(status == REDILOCK_OK, redilock_status_name(status));
  redilock_lock_free(lock);
}

int64_t waiters_of(redilock_client_t *client, const char *name) {
  redilock_op_t *op = new_op(client, name);
  redilock_info_t *info = NULL;
  must(redilock_op_info(op, &info) == REDILOCK_OK, "no information");
  const int64_t count = redilock_info_waiters(info);
  redilock_info_free(info);
  redilock_op_free(op);
  return count;
}

struct expected_waiters {
  redilock_client_t *client;
  const char *name;
  int64_t count;
};

static bool as_many_wait(void *context) {
  const struct expected_waiters *expected = context;
  return waiters_of(expected->client, expected->name) == expected->count;
}

bool wait_for_waiters(redilock_client_t *client, const char *name, int64_t count) {
  struct expected_waiters expected = {client, name, count};
  return eventually(as_many_wait, &expected, kQueueMs);
}

const char *message_of(const redilock_op_t *op) {
  static _Thread_local char text[1024];
  redilock_op_message(op, text, sizeof text);
  return text;
}

/* ---------------------------------------------------------------- waiters */

static void *run_waiter(void *argument) {
  waiter_t *waiter = argument;
  waiter->status = redilock_op_acquire(waiter->op, &waiter->lock);
  waiter->order = __atomic_fetch_add(&ended_waiters, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&waiter->ended, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

bool waiter_ended(void *waiter) {
  return __atomic_load_n(&((waiter_t *)waiter)->ended, __ATOMIC_SEQ_CST) != 0;
}

static bool is_queued(void *waiter) {
  return redilock_op_position(((waiter_t *)waiter)->op) > 0 || waiter_ended(waiter);
}

void set_options(redilock_op_t *op, const char *options) {
  char copy[256];
  char *rest = NULL;
  snprintf(copy, sizeof copy, "%s", options);
  for (char *item = strtok_r(copy, "&", &rest); item != NULL; item = strtok_r(NULL, "&", &rest)) {
    char *value = strchr(item, '=');
    *value++ = '\0';
    must(redilock_op_set(op, item, value) == REDILOCK_OK, message_of(op));
  }
}

waiter_t *start_waiter(redilock_client_t *client, const char *name, const char *options) {
  waiter_t *waiter = calloc(1, sizeof *waiter);
  must(waiter != NULL, "no memory");
  waiter->op = new_op(client, name);
  if (options != NULL) set_options(waiter->op, options);
  must(pthread_create(&waiter->thread, NULL, run_waiter, waiter) == 0, "no thread");
  must(eventually(is_queued, waiter, kQueueMs), "a waiter did not reach the queue");
  return waiter;
}

int32_t join_waiter(waiter_t *waiter) {
  pthread_join(waiter->thread, NULL);
  return waiter->status;
}

void free_waiter(waiter_t *waiter) {
  if (waiter->lock != NULL && redilock_lock_is_held(waiter->lock)) redilock_release(waiter->lock);
  redilock_lock_free(waiter->lock);
  redilock_op_free(waiter->op);
  free(waiter);
}
