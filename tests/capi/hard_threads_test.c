/* Threads with little stack, and threads that are cancelled (pthread_cancel) during a call. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/one_server.h"

static redilock_client_t *client;

static int make_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = new_client(server, "timeout=5s");
  return 0;
}

static int drop_client(void **state) {
  (void)state;
  redilock_free(client);
  return 0;
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

enum { kCalls = 8 };

struct call {
  int number;
  redilock_lock_t *lock;
  int32_t status;
};

/* The cancellation is pending when the call begins. */
static void *call_cancelled(void *argument) {
  struct call *call = argument;
  redilock_op_t *op = new_op(client, "other");
  redilock_info_t *info = NULL;
  redilock_list_t *list = NULL;
  redilock_lock_t *lock = NULL;
  const char *name = NULL;
  size_t length = 0;
  const char *token = redilock_lock_token(call->lock, &length);
  int old;
  pthread_cancel(pthread_self());
  switch (call->number) {
    case 0:
      call->status = redilock_acquire(client, "x", 1, 1000, 0, &lock, NULL, 0);
      break;
    case 1:
      call->status = redilock_extend(call->lock, 60000);
      break;
    case 2:
      call->status = redilock_op_info(op, &info);
      break;
    case 3:
      call->status = redilock_op_check(op);
      break;
    case 4:
      call->status = redilock_list_new(client, NULL, 0, &list);
      if (call->status == REDILOCK_OK) call->status = redilock_list_next(list, &name, NULL);
      break;
    case 5:
      call->status = redilock_release_token(client, "mine", 4, token, length, NULL, 0);
      break;
    case 6:
      call->status = redilock_client_wait(client, 0);
      break;
    default:
      call->status = redilock_release(call->lock);
      break;
  }
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old); /* for what the test itself does */
  redilock_lock_free(lock);
  redilock_info_free(info);
  redilock_list_free(list);
  redilock_op_free(op);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
  pthread_testcancel();
  return NULL;
}

static void every_call_that_blocks_outlasts_a_cancellation(void **state) {
  (void)state;
  static const int32_t ends[kCalls] = {REDILOCK_OK, REDILOCK_OK, REDILOCK_OK,        REDILOCK_OK,
                                       REDILOCK_OK, REDILOCK_OK, REDILOCK_E_TIMEOUT, REDILOCK_OK};
  for (int number = 0; number < kCalls; ++number) {
    struct call call = {number, take(client, "mine", 60000), 1};
    pthread_t thread;
    void *end = NULL;
    assert_int_equal(pthread_create(&thread, NULL, call_cancelled, &call), 0);
    pthread_join(thread, &end);
    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_status(ends[number], call.status);
    redilock_lock_free(call.lock);
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
