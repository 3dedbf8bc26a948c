/* "renew" of redilock.h: locks that are taken and given in great numbers leave no memory behind,
 * however long their leases would have been. */
#include <malloc.h>
#include <stdlib.h>

#include "support/async.h"
#include "support/one_client.h"

enum { kPairs = 2000, kMostBytes = 100000 };

static int make_client(void **state) {
  (void)state;
  return make_client_with("ttl=1h&renew=yes");
}

static size_t bytes_in_use(void) { return mallinfo2().uordblks; }

static void take_and_give(void) {
  redilock_op_t *op = new_op(client, "job");
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  give(lock);
  redilock_op_free(op);
}

static void submit_and_give(void) {
  redilock_op_t *op = submit(client, "job", NULL, 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(watched_lock_of(op, 1));
  redilock_op_free(op);
}

static void let_one_run_out(void) {
  redilock_op_t *op = new_op(client, "job");
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  redilock_lock_free(lock);
  assert_status(REDILOCK_OK, redilock_op_break(op));
  redilock_op_free(op);
}

static void check_memory_of(void (*pair)(void)) {
  const char *sanitizers = getenv("REDILOCK_SANITIZE");
  if (sanitizers != NULL && *sanitizers != '\0') skip(); /* their memory is not told */
  for (int i = 0; i < 100; ++i) pair();                  /* what is made once and stays */
  const size_t before = bytes_in_use();
  for (int i = 0; i < kPairs; ++i) pair();
  const size_t after = bytes_in_use();
  assert_in_range(after, 0, before + kMostBytes);
}

static void released_locks_take_no_memory(void **state) {
  (void)state;
  check_memory_of(take_and_give);
}

static void released_locks_of_submitted_acquires_take_no_memory(void **state) {
  (void)state;
  check_memory_of(submit_and_give);
}

static void freed_locks_take_no_memory(void **state) {
  (void)state;
  check_memory_of(let_one_run_out);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(released_locks_take_no_memory),
      CASE(released_locks_of_submitted_acquires_take_no_memory),
      CASE(freed_locks_take_no_memory),
  };
  return cmocka_run_group_tests_name("capi/upkeep", tests, start_server, stop_server);
}
