/*
 * A connection that does not come up keeps nobody waiting but those who need it: a proxy lets the
 * client connect, and swallows what the server answers to its greeting or its subscription.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/child.h"
#include "support/one_server.h"
#include "support/proxy.h"

enum { kTtlMs = 900, kSoonMs = 500, kEver = 1000, kDescriptors = 1024 };

static proxy_t *proxy;
static redilock_client_t *other, *client;

/* The shortest timeout for which a connect is given no less than a second. */
static int make_clients(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  proxy = proxy_start(server->socket);
  other = new_client(server, NULL);
  client = client_at(proxy_url(proxy), "timeout=1s");
  return 0;
}

static int drop_clients(void **state) {
  (void)state;
  redilock_free(client);
  redilock_free(other);
  proxy_stop(proxy);
  return 0;
}

/* An acquire that has to wait, and so subscribes; the answer to that does not come. */
static redilock_op_t *submit_stalled(const char *name, uint64_t tag) {
  proxy_fail(proxy, PROXY_MUTE, "SUBSCRIBE", kEver, 0);
  redilock_op_t *op = submit(client, name, NULL, tag);
  assert_true(proxy_struck(proxy, 1));
  return op;
}

static void submitted_requests_are_answered_meanwhile(void **state) {
  (void)state;
  redilock_lock_t *held = take(other, "held", 60000), *mine = take(client, "mine", 60000);
  redilock_op_t *waiting = submit_stalled("held", 1), *op = new_op(client, "mine");
  const int64_t began = now_ms();
  assert_status(REDILOCK_OK, redilock_op_submit_release(op, mine, 2));
  expect_completion(client, 2, REDILOCK_COMPLETION_RELEASE, REDILOCK_OK);
  assert_in_range(now_ms() - began, 0, soon_ms(kSoonMs));
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_UNAVAILABLE);
  redilock_lock_free(mine);
  redilock_op_free(op);
  redilock_op_free(waiting);
  give(held);
}

/* It lives for less than two attempts to subscribe take. */
static void renewed_lock_is_kept_meanwhile(void **state) {
  (void)state;
  redilock_lock_t *held = take(other, "held", 60000);
  char options[64];
  snprintf(options, sizeof options, "wait=0&renew=yes&ttl=%dms", (int)slow_ms(kTtlMs));
  redilock_op_t *op = submit(client, "mine", options, 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *mine = lock_of(op);
  for (uint64_t i = 0; i < 3; ++i) {
    redilock_op_t *waiting = submit_stalled("held", 2 + i);
    expect_completion(client, 2 + i, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_UNAVAILABLE);
    redilock_op_free(waiting);
    assert_in_range(redis_integer(server, "PTTL mine"), 1, slow_ms(kTtlMs));
    assert_true(redilock_lock_is_held(mine));
  }
  give(mine);
  give(held);
  redilock_op_free(op);
}

/* The service thread reads the wake-up channel for all, and has a connection of its own to make. */
static void blocked_callers_are_woken_meanwhile(void **state) {
  (void)state;
  redilock_lock_t *held = take(other, "held", 60000), *wanted = take(other, "wanted", 60000);
  redilock_op_t *reading = submit(client, "held", NULL, 1);
  assert_true(wait_for_waiters(other, "held", 1));
  waiter_t *blocked = start_waiter(client, "wanted", "wait=20s");
  proxy_fail(proxy, PROXY_MUTE, "CLIENT", kEver, 0);
  redis_do(server, "CLIENT KILL TYPE normal");
  redilock_op_t *op = submit(client, "free", "wait=0", 2);
  assert_true(proxy_struck(proxy, 1));
  const int64_t began = now_ms();
  give(wanted);
  assert_status(REDILOCK_OK, join_waiter(blocked));
  assert_in_range(now_ms() - began, 0, soon_ms(kSoonMs));
  proxy_fail(proxy, PROXY_NONE, "", 0, 0);
  free_waiter(blocked);
  next_completion(client); /* of the try, as it may have been out of time by now */
  redilock_op_free(op);
  redilock_op_free(reading);
  give(held);
}

/* Its second attempt to subscribe anew is under way when its wait ends. */
static void blocked_caller_ends_in_time(void **state) {
  (void)state;
  redilock_lock_t *held = take(other, "held", 60000);
  const int64_t began = now_ms();
  waiter_t *blocked = start_waiter(client, "held", "wait=1500ms");
  proxy_fail(proxy, PROXY_MUTE, "SUBSCRIBE", kEver, 0);
  redis_do(server, "CLIENT KILL TYPE pubsub");
  assert_status(REDILOCK_E_TIMEOUT, join_waiter(blocked));
  assert_in_range(now_ms() - began, 1500, soon_ms(1500 + kSoonMs));
  assert_true(proxy_struck(proxy, 2));
  free_waiter(blocked);
  give(held);
}

/* Descriptors of this process that are connected to the proxy. */
static int connections(void) {
  int count = 0;
  for (int fd = 0; fd < kDescriptors; ++fd) {
    struct sockaddr_un peer = {0};
    socklen_t length = sizeof peer - 1;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) continue;
    count += peer.sun_family == AF_UNIX && strstr(proxy_url(proxy), peer.sun_path) != NULL &&
             peer.sun_path[0] != '\0';
  }
  return count;
}

static int frees_all(child_t *self, void *ops) {
  (void)self;
  for (redilock_op_t **op = ops; *op != NULL; ++op) redilock_op_free(*op);
  redilock_free(client);
  return connections();
}

/* Else the server would take the parent's client for alive for as long as the child lives. */
static void child_of_a_fork_closes_what_is_on_its_way(void **state) {
  (void)state;
  redilock_lock_t *held = take(other, "held", 60000);
  redilock_op_t *waiting = submit_stalled("held", 1), *op = submit(client, "held", "wait=0", 2);
  expect_completion(client, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_HELD);
  assert_int_equal(connections(), 2);
  redilock_op_t *ops[] = {waiting, op, NULL};
  child_t child = start_child(frees_all, ops);
  assert_int_equal(end_of(&child), 0);
  redilock_op_free(op);
  redilock_op_free(waiting);
  give(held);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(submitted_requests_are_answered_meanwhile, make_clients,
                                      drop_clients),
      cmocka_unit_test_setup_teardown(renewed_lock_is_kept_meanwhile, make_clients, drop_clients),
      cmocka_unit_test_setup_teardown(blocked_callers_are_woken_meanwhile, make_clients,
                                      drop_clients),
      cmocka_unit_test_setup_teardown(blocked_caller_ends_in_time, make_clients, drop_clients),
      cmocka_unit_test_setup_teardown(child_of_a_fork_closes_what_is_on_its_way, make_clients,
                                      drop_clients),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
