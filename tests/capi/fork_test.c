/* After fork(): what the child may do with the parent's objects, and that nothing of it reaches the
 * server. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/async.h"
#include "support/child.h"
#include "support/locks.h"
#include "support/one_server.h"
#include "support/timing.h"

static redilock_client_t *client;
static redilock_op_t *op;
static redilock_lock_t *lock;
static redilock_list_t *list;

static pid_t main_process;

/* Asked by the leak checker, which cannot look for leaks in a copy of a process that had threads. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return getpid() != main_process; }

static int start(void **state) {
  main_process = getpid();
  return start_server(state);
}

static int make_client(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  client = new_client(server, NULL);
  op = new_op(client, "job");
  return redilock_list_new(client, NULL, 0, &list);
}

static int drop_client(void **state) {
  (void)state;
  redilock_list_free(list);
  redilock_op_free(op);
  redilock_free(client);
  return 0;
}

/* Which of the calls on the parent's objects does not say FORKED; 0 if all do. */
static int calls_that_are_not_forked(void) {
  redilock_op_t *new = NULL;
  redilock_lock_t *taken = NULL;
  redilock_info_t *info = NULL;
  redilock_list_t *listed = NULL;
  const char *name = NULL;
  int64_t count = 7;
  int32_t level;
  char text[8];
  size_t len;
  const char *token = redilock_lock_token(lock, &len);
  const int32_t statuses[] = {
      redilock_release(lock),
      redilock_extend(lock, 1000),
      redilock_acquire(client, "n", 1, 1000, 0, &taken, NULL, 0),
      redilock_acquire(client, "n", 1, 1000, 100, &taken, NULL, 0),
      redilock_release_token(client, "job", 3, token, len, NULL, 0),
      redilock_op_new(client, &new),
      redilock_op_acquire(op, &taken),
      redilock_op_release(op, lock),
      redilock_op_extend(op, lock),
      redilock_op_break(op),
      redilock_op_info(op, &info),
      redilock_op_check(op),
      redilock_list_new(client, NULL, 0, &listed),
      redilock_list_next(list, &name, NULL),
      redilock_client_stat(client, "acquired", &count),
      redilock_client_log(client, &level, &count, text, sizeof text),
  };
  for (int i = 0; i < (int)(sizeof statuses / sizeof *statuses); ++i)
    if (statuses[i] != REDILOCK_E_FORKED) return i + 1;
  return taken == NULL && new == NULL &&info == NULL &&listed == NULL &&name == NULL ? 0 : 100;
}

static int call_everything(child_t *self, void *context) {
  (void)self, (void)context;
  const int wrong = calls_that_are_not_forked();
  redilock_op_cancel(op);
  redilock_op_reset(op);
  redilock_list_cancel(list);
  return wrong;
}

static void the_child_of_a_holder_is_told_and_changes_nothing(void **state) {
  (void)state;
  lock = take(client, "job", 20000);
  child_t child = start_child(call_everything, NULL);
  assert_int_equal(end_of(&child), 0);
  assert_in_range(redis_integer(server, "PTTL job"), 10000, 20000);
  assert_status(REDILOCK_OK, redilock_extend(lock, 30000));
  give(lock);
}

static int free_everything_and_exit(child_t *self, void *context) {
  (void)self, (void)context;
  redilock_lock_free(lock);
  redilock_list_free(list);
  redilock_op_free(op);
  redilock_free(client);
  exit(0);
}

static redilock_lock_t *take_renewed(void) {
  redilock_lock_t *renewed = NULL;
  assert_status(REDILOCK_OK, redilock_op_set(op, "renew", "yes"));
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "ttl", slow_ms(3000)));
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &renewed));
  return renewed;
}

static void the_child_frees_all_and_the_parent_still_holds_and_renews(void **state) {
  (void)state;
  lock = take_renewed();
  child_t child = start_child(free_everything_and_exit, NULL);
  assert_int_equal(end_of(&child), 0);
  for (int i = 0; i < 2; ++i) {
    assert_true(redis_sees_renewal(server, "job"));
    assert_int_equal(redilock_lock_is_held(lock), 1);
  }
  assert_in_range(redis_integer(server, "PTTL job"), 1, slow_ms(3000));
  give(lock);
}

static int exit_alone(child_t *self, void *context) {
  (void)self, (void)context;
  exit(0);
}

static void the_childs_exit_changes_nothing(void **state) {
  (void)state;
  lock = take_renewed();
  child_t child = start_child(exit_alone, NULL);
  assert_int_equal(end_of(&child), 0);
  assert_true(redis_sees_renewal(server, "job"));
  assert_int_equal(redilock_lock_is_held(lock), 1);
  give(lock);
}

static int leave_the_waiter_alone(child_t *self, void *context) {
  waiter_t *waiter = context;
  redilock_lock_t *none = NULL;
  (void)self;
  if (redilock_op_acquire(waiter->op, &none) != REDILOCK_E_FORKED) return 1;
  redilock_op_cancel(waiter->op);
  redilock_lock_free(lock);
  redilock_op_free(op);
  redilock_free(client);
  return 0;
}

static void the_child_of_a_waiter_does_not_disturb_it(void **state) {
  (void)state;
  lock = take(client, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  for (int i = 0; i < 20; ++i) {
    child_t child = start_child(leave_the_waiter_alone, waiter);
    assert_int_equal(end_of(&child), 0);
  }
  assert_int_equal(redilock_op_position(waiter->op), 1);
  give(lock);
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(1000));
  free_waiter(waiter);
}

static int make_its_own(child_t *self, void *context) {
  (void)self, (void)context;
  redilock_lock_t *mine = NULL;
  redilock_client_t *own = new_client(server, NULL);
  if (redilock_acquire(own, "job", 3, 1000, 0, &mine, NULL, 0) != REDILOCK_E_HELD) return 1;
  if (redilock_acquire(own, "own", 3, 1000, 100, &mine, NULL, 0) != REDILOCK_OK) return 2;
  if (redilock_release(mine) != REDILOCK_OK) return 3;
  redilock_lock_free(mine);
  redilock_free(own);
  return 0;
}

static void the_child_can_make_a_client_of_its_own(void **state) {
  (void)state;
  lock = take(client, "job", 20000);
  child_t child = start_child(make_its_own, NULL);
  assert_int_equal(end_of(&child), 0);
  give(lock);
}

/* ---------------------------------------------------------------- fork */

struct family {
  redilock_op_t *granted, *waiting;
  redilock_lock_t *lock;
};

static int is_told_and_frees(child_t *self, void *context) {
  (void)self;
  struct family *family = context;
  redilock_lock_t *taken = NULL;
  uint64_t tag;
  int32_t fd = -1, kind, status;
  const int32_t statuses[] = {
      redilock_op_submit_acquire(family->granted, 9),
      redilock_op_submit_release(family->granted, family->lock, 9),
      redilock_op_submit_extend(family->granted, family->lock, 9),
      redilock_op_take_lock(family->granted, &taken),
      redilock_client_fd(client, &fd),
      redilock_client_next(client, &tag, &kind, &status),
  };
  for (int i = 0; i < (int)(sizeof statuses / sizeof *statuses); ++i)
    if (statuses[i] != REDILOCK_E_FORKED) return i + 1;
  redilock_op_cancel(family->waiting);
  redilock_op_reset(family->waiting);
  redilock_lock_free(family->lock);
  redilock_op_free(family->granted);
  redilock_op_free(family->waiting);
  redilock_free(client);
  return fd == -1 && taken == NULL ? 0 : 100;
}

/* While the thread of the parent is at work: nothing that it may be changing is touched. */
static void the_child_of_submitted_operations_is_told_and_changes_nothing(void **state) {
  (void)state;
  enum { kWaiters = 200, kChildren = 40 };
  redilock_op_t *busy[kWaiters];
  struct family family = {.granted = submit(client, "job", "renew=yes&ttl=6s", 1)};
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  family.lock = lock_of(family.granted);
  family.waiting = submit(client, "job", NULL, 2);
  for (int i = 0; i < kChildren; ++i) {
    for (uint64_t j = 0; j < kWaiters; ++j) busy[j] = submit(client, "busy", "wait=20s", 10 + j);
    child_t child = start_child(is_told_and_frees, &family);
    for (int j = 0; j < kWaiters; ++j) redilock_op_free(busy[j]);
    assert_int_equal(end_of(&child), 0);
  }
  completion_t one;
  while (has_completions(client, 0)) /* of those that were freed: in vain */
    assert_status(REDILOCK_OK, redilock_client_next(client, &one.tag, &one.kind, &one.status));
  assert_int_equal(redilock_lock_is_held(family.lock), 1);
  assert_true(wait_for_waiters(client, "job", 1));
  assert_status(REDILOCK_OK, redilock_op_submit_release(family.granted, family.lock, 3));
  for (int i = 0; i < 2; ++i) assert_status(REDILOCK_OK, next_completion(client).status);
  give(lock_of(family.waiting));
  redilock_lock_free(family.lock);
  redilock_op_free(family.granted);
  redilock_op_free(family.waiting);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(the_child_of_a_holder_is_told_and_changes_nothing),
      CASE(the_child_frees_all_and_the_parent_still_holds_and_renews),
      CASE(the_childs_exit_changes_nothing),
      CASE(the_child_of_a_waiter_does_not_disturb_it),
      CASE(the_child_can_make_a_client_of_its_own),
      CASE(the_child_of_submitted_operations_is_told_and_changes_nothing),
  };
  return cmocka_run_group_tests_name("capi/fork", tests, start, stop_server);
}
