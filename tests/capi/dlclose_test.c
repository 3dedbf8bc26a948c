/* The library loaded and closed again at run time, with waits and renewals under way. Calls nothing
 * by link. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "redilock/redilock.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

#define FUNCTION(f) static __typeof__(&(f)) p_##f
FUNCTION(redilock_new);
FUNCTION(redilock_free);
FUNCTION(redilock_op_new);
FUNCTION(redilock_op_free);
FUNCTION(redilock_op_set);
FUNCTION(redilock_op_acquire);
FUNCTION(redilock_op_cancel);
FUNCTION(redilock_op_position);
FUNCTION(redilock_release);
FUNCTION(redilock_lock_is_held);
FUNCTION(redilock_lock_free);

static void *load(void) {
  void *library = dlopen(getenv("REDILOCK_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail_msg("%s", dlerror());
#define LOAD(f) *(void **)&p_##f = dlsym(library, #f)
  LOAD(redilock_new);
  LOAD(redilock_free);
  LOAD(redilock_op_new);
  LOAD(redilock_op_free);
  LOAD(redilock_op_set);
  LOAD(redilock_op_acquire);
  LOAD(redilock_op_cancel);
  LOAD(redilock_op_position);
  LOAD(redilock_release);
  LOAD(redilock_lock_is_held);
  LOAD(redilock_lock_free);
  return library;
}

struct waiting {
  redilock_op_t *op;
  redilock_lock_t *lock;
  int32_t status;
};

static void *wait_for_it(void *argument) {
  struct waiting *waiting = argument;
  waiting->status = p_redilock_op_acquire(waiting->op, &waiting->lock);
  return NULL;
}

static bool is_queued(void *op) { return p_redilock_op_position(op) > 0; }

static redilock_op_t *make_op(redilock_client_t *client) {
  redilock_op_t *op = NULL;
  assert_int_equal(p_redilock_op_new(client, &op), REDILOCK_OK);
  assert_int_equal(p_redilock_op_set(op, "name", "job"), REDILOCK_OK);
  char ttl[32];
  snprintf(ttl, sizeof ttl, "%dms", (int)slow_ms(3000));
  assert_int_equal(p_redilock_op_set(op, "ttl", ttl), REDILOCK_OK);
  assert_int_equal(p_redilock_op_set(op, "renew", "yes"), REDILOCK_OK);
  return op;
}

static void close_it_in_the_middle(redis_server_t *server, bool cancel) {
  redilock_client_t *client = NULL;
  struct waiting waiting = {NULL, NULL, 1};
  pthread_t thread;
  void *library = load();
  assert_int_equal(p_redilock_new(server->url, NULL, &client, NULL, 0), REDILOCK_OK);
  redilock_op_t *op = make_op(client);
  redilock_lock_t *lock = NULL;
  assert_int_equal(p_redilock_op_acquire(op, &lock), REDILOCK_OK);
  waiting.op = make_op(client);
  assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiting), 0);
  assert_true(eventually(is_queued, waiting.op, 5000));
  assert_int_equal(dlclose(library), 0);
  assert_true(redis_sees_renewal(server, "job")); /* by code that has to be there still */
  assert_int_equal(p_redilock_lock_is_held(lock), 1);
  if (cancel) p_redilock_op_cancel(waiting.op);
  if (!cancel) assert_int_equal(p_redilock_release(lock), REDILOCK_OK);
  pthread_join(thread, NULL);
  assert_int_equal(waiting.status, cancel ? REDILOCK_E_CANCELLED : REDILOCK_OK);
  p_redilock_lock_free(waiting.lock);
  p_redilock_lock_free(lock);
  p_redilock_op_free(waiting.op);
  p_redilock_op_free(op);
  p_redilock_free(client);
  redis_do(server, "FLUSHALL");
}

static void dlclose_with_waits_under_way_is_clean(void **state) {
  const char *path = getenv("REDILOCK_LIBRARY");
  if (path == NULL) skip();
  assert_null(dlopen(path, RTLD_NOW | RTLD_NOLOAD)); /* else this would test nothing */
  for (int i = 0; i < 4; ++i) close_it_in_the_middle(*state, i % 2 == 0);
}

static int start(void **state) {
  *state = redis_start(NULL);
  return 0;
}

static int stop(void **state) {
  redis_stop(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dlclose_with_waits_under_way_is_clean)};
  return cmocka_run_group_tests_name("capi/dlclose", tests, start, stop);
}
