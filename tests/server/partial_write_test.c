/*
 * Requests that leave in pieces. The program's own socket() makes the send buffer as small as the
 * system lets it, and its own send() takes seven bytes at most and refuses every third time, as a
 * full buffer does; both come before those of the C library. Refused are only senders that ask for
 * no SIGPIPE, as redilock does: the test's own requests go out by send() too, since hiredis 1.0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"

static redis_server_t *redis;
static atomic_bool small_sends;
static atomic_int sends;

int socket(int domain, int type, int protocol) {
  const int fd = (int)syscall(SYS_socket, domain, type, protocol), tiny = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny);
  return fd;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  const bool small = atomic_load(&small_sends) && (flags & MSG_NOSIGNAL) != 0;
  if (small && atomic_fetch_add(&sends, 1) % 3 == 2) {
    errno = EAGAIN;
    return -1;
  }
  const size_t most = small ? 7 : length;
  return syscall(SYS_sendto, fd, bytes, length < most ? length : most, flags, NULL, 0);
}

static int set_up(void **state) {
  (void)state;
  redis = redis_start_tcp(NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redis_stop(redis);
  return 0;
}

/* EVAL with the whole script, names of the longest kind, and a waiter that is handed the lock. */
static void hand_over(const char *url) {
  char name[REDILOCK_NAME_MAX + 1];
  memset(name, 'n', REDILOCK_NAME_MAX);
  name[REDILOCK_NAME_MAX] = '\0';
  redis_do(redis, "SCRIPT FLUSH");
  redilock_client_t *client = client_at(url, "label=a-label-that-makes-the-request-longer");
  attempt_t first, second;
  assert_int_equal(attempt(&first, client, name, 10000, 0), REDILOCK_OK);
  attempt_start(&second, client, name, 10000, 10000);
  assert_true(attempt_queued(&second));
  assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&second), REDILOCK_OK);
  assert_true(second.fence > first.fence);
  assert_int_equal(redilock_release(second.lock), REDILOCK_OK);
  attempt_free(&first);
  attempt_free(&second);
  redilock_free(client);
}

static void tiny_send_buffers_are_enough(void **state) {
  (void)state;
  hand_over(redis->url);
  hand_over(redis->tcp_url);
}

static void seven_bytes_at_a_time_are_enough(void **state) {
  (void)state;
  atomic_store(&small_sends, true);
  hand_over(redis->url);
  hand_over(redis->tcp_url);
  atomic_store(&small_sends, false);
  assert_true(atomic_load(&sends) > 1000); /* they did go through here */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiny_send_buffers_are_enough),
      cmocka_unit_test(seven_bytes_at_a_time_are_enough),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
