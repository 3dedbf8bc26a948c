#include "support/async.h"

#include <poll.h>

enum { kComesMs = 20000 };

bool has_completions(redilock_client_t *client, int64_t within_ms) {
  int32_t fd = -1;
  assert_status(REDILOCK_OK, redilock_client_fd(client, &fd));
  struct pollfd polled = {fd, POLLIN, 0};
  return poll(&polled, 1, (int)within_ms) == 1;
}

completion_t next_completion(redilock_client_t *client) {
  completion_t one = {0, 0, 0};
  for (int tries = 0; one.kind == 0 && tries < 100; ++tries) {
    if (!has_completions(client, soon_ms(kComesMs))) fail_msg("no completion came");
    assert_status(REDILOCK_OK, redilock_client_next(client, &one.tag, &one.kind, &one.status));
  }
  return one;
}

void expect_completion(redilock_client_t *client, uint64_t tag, int32_t kind, int32_t status) {
  const completion_t one = next_completion(client);
  assert_status(status, one.status);
  assert_int_equal(one.kind, kind);
  assert_int_equal(one.tag, tag);
}

void expect_no_completion(redilock_client_t *client) {
  completion_t one = {0, 0, 0};
  assert_status(REDILOCK_OK, redilock_client_next(client, &one.tag, &one.kind, &one.status));
  assert_int_equal(one.kind, 0);
  assert_false(has_completions(client, 0));
}

redilock_op_t *submit(redilock_client_t *client, const char *name, const char *options,
                      uint64_t tag) {
  redilock_op_t *op = new_op(client, name);
  assert_status(REDILOCK_OK, redilock_op_set(op, "wait", "forever"));
  if (options != NULL) set_options(op, options);
  assert_status(REDILOCK_OK, redilock_op_submit_acquire(op, tag));
  return op;
}

redilock_lock_t *lock_of(redilock_op_t *op) {
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK, redilock_op_take_lock(op, &lock));
  return lock;
}

redilock_lock_t *watched_lock_of(redilock_op_t *op, uint64_t tag) {
  redilock_lock_t *lock = lock_of(op);
  assert_status(REDILOCK_OK, redilock_lock_watch(lock, tag));
  return lock;
}
