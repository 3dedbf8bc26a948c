/* Threads with little stack, and threads that are cancelled (pthread_cancel) during a call. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/one_client.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=5s");
}

/* ---------------------------------------------------------------- little stack */

/* Every call that blocks, some of them with an error. */
static void *use_everything(void *argument) {
  redilock_lock_t *lock = NULL, *none = NULL;
  redilock_op_t *op = NULL;
  redilock_info_t *info = NULL;
  redilock_list_t *list = NULL;
  const char *name;
  bool good = true;
#define IS(status, call) good = (call) == (status) && good
  IS(REDILOCK_OK, redilock_op_new(client, &op));
  IS(REDILOCK_OK, redilock_op_set(op, "name", "job"));
  IS(REDILOCK_E_INVALID, redilock_op_set(op, "ttl", "nonsense"));
  redilock_op_reset(op);
  IS(REDILOCK_OK, redilock_op_set(op, "ttl", "20s"));
  IS(REDILOCK_OK, redilock_op_set(op, "wait", "200ms"));
  IS(REDILOCK_OK, redilock_op_acquire(op, &lock));
  IS(REDILOCK_E_HELD, redilock_acquire(client, "job", 3, 1000, 0, &none, NULL, 0));
  IS(REDILOCK_E_TIMEOUT, redilock_op_acquire(op, &none));
  IS(REDILOCK_OK, redilock_op_info(op, &info));
  IS(REDILOCK_OK, redilock_list_new(client, NULL, 0, &list));
  IS(REDILOCK_OK, redilock_list_next(list, &name, NULL));
  IS(REDILOCK_OK, redilock_extend(lock, 30000));
  IS(REDILOCK_E_TIMEOUT, redilock_lock_wait_lost(lock, 1));
  IS(REDILOCK_OK, redilock_op_check(op));
  IS(REDILOCK_OK, redilock_release(lock));
  IS(REDILOCK_E_NOT_OWNER, redilock_op_break(op));
#undef IS
  redilock_list_free(list);
  redilock_info_free(info);
  redilock_lock_free(lock);
  redilock_op_free(op);
  return good ? argument : NULL;
}

/* The first round binds the symbols, which takes more stack than the rest. */
static void little_stack_is_enough(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static const size_t sizes[] = {512};
#elif !defined(__OPTIMIZE__)
  static const size_t sizes[] = {64};
#else
  static const size_t sizes[] = {16, 32, 64};
#endif
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *good = NULL;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, sizes[i] * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, use_everything, client), 0);
    pthread_join(thread, &good);
    pthread_attr_destroy(&attributes);
    assert_ptr_equal(good, client);
  }
}

/* ---------------------------------------------------------------- cancellation */

struct cancelled {
  redilock_op_t *op;
  redilock_lock_t *lock;
  int32_t status;
};

static void *acquire_for_ever(void *argument) {
  struct cancelled *one = argument;
  one->status = redilock_op_acquire(one->op, &one->lock);
  pthread_testcancel();
  return NULL;
}

/* Without protection the process would end here: the unwinding meets a noexcept function. */
static void cancellation_takes_effect_after_the_call(void **state) {
  (void)state;
  redilock_lock_t *holder = take(client, "job", 60000);
  struct cancelled one = {new_op(client, "job"), NULL, 1};
  pthread_t thread;
  void *end = NULL;
  assert_int_equal(pthread_create(&thread, NULL, acquire_for_ever, &one), 0);
  assert_true(wait_for_waiters(client, "job", 1));
  assert_int_equal(pthread_cancel(thread), 0);
  give(holder);
  pthread_join(thread, &end);
  assert_ptr_equal(end, PTHREAD_CANCELED);
  assert_status(REDILOCK_OK, one.status);
  give(one.lock);
  redilock_op_free(one.op);
}

/* One call on the lock "mine", which it has; how it has to end. */
struct call {
  int32_t (*make)(redilock_lock_t *lock);
  int32_t end;
  redilock_lock_t *lock;
  int32_t status;
};

static redilock_op_t *op_of(redilock_lock_t *lock) {
  redilock_op_t *op = new_op(client, "mine");
  size_t length = 0;
  const char *token = redilock_lock_token(lock, &length);
  if (redilock_op_set_bytes(op, "token", token, length) != REDILOCK_OK) abort();
  return op;
}

static int32_t acquire_short(redilock_lock_t *lock) {
  redilock_lock_t *other = NULL;
  (void)lock;
  const int32_t status = redilock_acquire(client, "x", 1, 1000, 0, &other, NULL, 0);
  redilock_lock_free(other);
  return status;
}

static int32_t wait_in_the_queue(redilock_lock_t *lock) {
  redilock_lock_t *other = NULL;
  (void)lock;
  return redilock_acquire(client, "mine", 4, 1000, 50, &other, NULL, 0);
}

static int32_t acquire_by_op(redilock_lock_t *lock) {
  redilock_op_t *op = new_op(client, "y");
  redilock_lock_t *other = NULL;
  (void)lock;
  const int32_t status = redilock_op_acquire(op, &other);
  redilock_lock_free(other);
  redilock_op_free(op);
  return status;
}

static int32_t extend_short(redilock_lock_t *lock) { return redilock_extend(lock, 60000); }
static int32_t release_short(redilock_lock_t *lock) { return redilock_release(lock); }

static int32_t release_by_token(redilock_lock_t *lock) {
  size_t length = 0;
  const char *token = redilock_lock_token(lock, &length);
  return redilock_release_token(client, "mine", 4, token, length, NULL, 0);
}

static int32_t release_by_op(redilock_lock_t *lock) {
  redilock_op_t *op = op_of(lock);
  const int32_t status = redilock_op_release(op, NULL);
  redilock_op_free(op);
  return status;
}

static int32_t extend_by_op(redilock_lock_t *lock) {
  redilock_op_t *op = op_of(lock);
  const int32_t status = redilock_op_extend(op, NULL);
  redilock_op_free(op);
  return status;
}

static int32_t attach(redilock_lock_t *lock) {
  redilock_op_t *op = op_of(lock);
  redilock_lock_t *other = NULL;
  const int32_t status = redilock_op_attach(op, &other);
  redilock_lock_free(other);
  redilock_op_free(op);
  return status;
}

static int32_t break_it(redilock_lock_t *lock) {
  redilock_op_t *op = new_op(client, "mine");
  (void)lock;
  const int32_t status = redilock_op_break(op);
  redilock_op_free(op);
  return status;
}

static int32_t look_up(redilock_lock_t *lock) {
  redilock_op_t *op = new_op(client, "mine");
  redilock_info_t *info = NULL;
  (void)lock;
  const int32_t status = redilock_op_info(op, &info);
  redilock_info_free(info);
  redilock_op_free(op);
  return status;
}

static int32_t check(redilock_lock_t *lock) {
  redilock_op_t *op = new_op(client, NULL);
  (void)lock;
  const int32_t status = redilock_op_check(op);
  redilock_op_free(op);
  return status;
}

static int32_t list_all(redilock_lock_t *lock) {
  redilock_list_t *list = NULL;
  const char *name = NULL;
  (void)lock;
  int32_t status = redilock_list_new(client, NULL, 0, &list);
  if (status == REDILOCK_OK) status = redilock_list_next(list, &name, NULL);
  redilock_list_free(list);
  return status;
}

static int32_t wait_for_completion(redilock_lock_t *lock) {
  (void)lock;
  return redilock_client_wait(client, 20);
}

static int32_t wait_lost(redilock_lock_t *lock) { return redilock_lock_wait_lost(lock, 20); }

/* None of these returns a status. */
static int32_t end_everything(redilock_lock_t *lock) {
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "z", 1000), *dropped = take(other, "w", 1000);
  redilock_op_t *waiting = submit(other, "mine", NULL, 1);
  redilock_list_t *list = NULL;
  (void)lock;
  const int32_t status = redilock_list_new(other, NULL, 0, &list);
  redilock_list_cancel(list);
  redilock_list_free(list);
  redilock_op_cancel(waiting);
  redilock_op_reset(waiting);
  redilock_op_free(waiting);
  redilock_lock_drop(dropped);
  redilock_client_close(other);
  redilock_free(other);
  redilock_lock_free(held);
  return status;
}

/* The cancellation is pending when the call begins. */
static void *call_cancelled(void *argument) {
  struct call *call = argument;
  pthread_cancel(pthread_self());
  call->status = call->make(call->lock);
  pthread_testcancel();
  return NULL;
}

static void every_call_that_blocks_outlasts_a_cancellation(void **state) {
  (void)state;
  struct call calls[] = {
      {acquire_short, REDILOCK_OK, NULL, 1},    {wait_in_the_queue, REDILOCK_E_TIMEOUT, NULL, 1},
      {acquire_by_op, REDILOCK_OK, NULL, 1},    {extend_short, REDILOCK_OK, NULL, 1},
      {release_short, REDILOCK_OK, NULL, 1},    {release_by_token, REDILOCK_OK, NULL, 1},
      {release_by_op, REDILOCK_OK, NULL, 1},    {extend_by_op, REDILOCK_OK, NULL, 1},
      {attach, REDILOCK_OK, NULL, 1},           {break_it, REDILOCK_OK, NULL, 1},
      {look_up, REDILOCK_OK, NULL, 1},          {check, REDILOCK_OK, NULL, 1},
      {list_all, REDILOCK_OK, NULL, 1},         {wait_for_completion, REDILOCK_E_TIMEOUT, NULL, 1},
      {wait_lost, REDILOCK_E_TIMEOUT, NULL, 1}, {end_everything, REDILOCK_OK, NULL, 1}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) {
    pthread_t thread;
    void *end = NULL;
    calls[i].lock = take(client, "mine", 60000);
    assert_int_equal(pthread_create(&thread, NULL, call_cancelled, &calls[i]), 0);
    pthread_join(thread, &end);
    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_status(calls[i].end, calls[i].status);
    redilock_lock_free(calls[i].lock);
    redis_do(server, "FLUSHALL");
  }
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(little_stack_is_enough),
      CASE(cancellation_takes_effect_after_the_call),
      CASE(every_call_that_blocks_outlasts_a_cancellation),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
