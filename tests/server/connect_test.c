/*
 * Getting a connection, or none: nobody listens, the SYN is swallowed, a name has several addresses
 * or none, or takes its time to resolve. The resolver is this program's own: getaddrinfo and
 * freeaddrinfo of the executable come before those of the C library.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/redis.h"
#include "support/timing.h"

enum { kQueue = 4 };

static redis_server_t *redis;
/* A listening socket that nobody accepts from, and what fills its queue. */
static int full, fillers[kQueue];
static int full_port, closed_port;
static int resolver_gate[2]; /* "stuck.test" resolves once this pipe is closed */
static atomic_int stuck;     /* look-ups of it */

static int listener_on(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

static int connects(int port) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                      .sin_port = htons((uint16_t)port)};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  (void)connect(fd, (const struct sockaddr *)&address, sizeof address);
  return fd;
}

static int set_up(void **state) {
  (void)state;
  redis = redis_start_tcp(NULL);
  full = listener_on(&full_port);
  assert_int_equal(listen(full, 0), 0);
  for (int i = 0; i < kQueue; ++i) fillers[i] = connects(full_port);
  struct pollfd last = {.fd = fillers[kQueue - 1], .events = POLLOUT};
  assert_int_equal(poll(&last, 1, 200), 0); /* its SYN is indeed swallowed */
  close(listener_on(&closed_port));
  return pipe(resolver_gate);
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < kQueue; ++i) close(fillers[i]);
  close(full);
  redis_stop(redis);
  return 0;
}

/* ---------------------------------------------------------------- the resolver */

struct made_up {
  struct addrinfo info;
  struct sockaddr_in address;
};

static struct addrinfo *address_of(int port, struct addrinfo *next) {
  struct made_up *made = calloc(1, sizeof *made);
  if (made == NULL) abort();
  made->address = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)port)};
  made->info = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_addr = (struct sockaddr *)&made->address,
                                 .ai_addrlen = sizeof made->address,
                                 .ai_next = next};
  return &made->info;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **out) {
  char byte;
  in_addr_t numeric = inet_addr(host);
  if (numeric == INADDR_NONE && (hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  *out = NULL;
  if (strcmp(host, "refused-first.test") == 0)
    *out = address_of(closed_port, address_of(redis->port, NULL));
  else if (strcmp(host, "swallowed-first.test") == 0)
    *out = address_of(full_port, address_of(full_port, address_of(redis->port, NULL)));
  else if (strcmp(host, "stuck.test") == 0 && ++stuck && read(resolver_gate[0], &byte, 1) == 0)
    return EAI_AGAIN;
  else if (numeric != INADDR_NONE)
    *out = address_of(atoi(port), NULL);
  return *out == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list) {
  while (list != NULL) {
    struct addrinfo *next = list->ai_next;
    free(list); /* the first member of its struct */
    list = next;
  }
}

/* ---------------------------------------------------------------- the cases */

/* An attempt with a timeout of 600 ms; the wait may be longer. */
static void expect_unavailable(const char *url, int64_t wait_ms, const char *words) {
  redilock_client_t *client = client_at(url, "timeout=600ms");
  attempt_t one;
  attempt(&one, client, "lock", 5000, wait_ms);
  assert_int_equal(one.status, REDILOCK_E_UNAVAILABLE);
  assert_null(one.lock);
  assert_true(redilock_op_retriable(one.op));
  assert_in_range(one.ended - one.began, 0, soon_ms(1500));
  if (strstr(one.message, words) == NULL) fail_msg("\"%s\" lacks \"%s\"", one.message, words);
  attempt_free(&one);
  redilock_free(client);
}

static void expect_granted(const char *url) {
  redilock_client_t *client = client_at(url, "timeout=3s");
  assert_true(attempt_and_release(client, "lock") > 0);
  redilock_free(client);
}

static void refused_is_unavailable(void **state) {
  (void)state;
  char url[64];
  snprintf(url, sizeof url, "redis://127.0.0.1:%d", closed_port);
  expect_unavailable(url, 0, "refused");
  expect_unavailable(url, 60000, "refused");
}

static void missing_socket_is_unavailable(void **state) {
  (void)state;
  expect_unavailable("unix:///nonexistent/redis.sock", 0, "No such file");
}

static void swallowed_syn_is_unavailable_by_the_deadline(void **state) {
  (void)state;
  char url[64];
  snprintf(url, sizeof url, "redis://127.0.0.1:%d", full_port);
  expect_unavailable(url, 0, "timed out");
  expect_unavailable(url, 60000, "timed out");
}

static void the_next_address_is_tried(void **state) {
  (void)state;
  expect_granted("redis://refused-first.test");
  expect_granted("redis://swallowed-first.test");
}

static void unknown_name_is_unavailable(void **state) {
  (void)state;
  expect_unavailable("redis://nobody.test", 0, "cannot resolve nobody.test");
}

static void stuck_resolver_does_not_pass_the_deadline(void **state) {
  (void)state;
  for (int i = 0; i < 3; ++i) expect_unavailable("redis://stuck.test", 0, "no answer in time");
  assert_int_equal(stuck, 1); /* each has a thread of its own */
  close(resolver_gate[1]);    /* what was left behind ends */
}

static void server_that_resets_every_connection_is_unavailable(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"ACCEPT", FAKE_RESET, NULL, 0}, {0}};
  fake_server_t *fake = fake_server_start(steps);
  expect_unavailable(fake_server_url(fake), 0, "");
  assert_in_range(fake_server_count(fake, ""), 2, 20); /* asked again, and no storm */
  fake_server_stop(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refused_is_unavailable),
      cmocka_unit_test(missing_socket_is_unavailable),
      cmocka_unit_test(swallowed_syn_is_unavailable_by_the_deadline),
      cmocka_unit_test(the_next_address_is_tried),
      cmocka_unit_test(unknown_name_is_unavailable),
      cmocka_unit_test(stuck_resolver_does_not_pass_the_deadline),
      cmocka_unit_test(server_that_resets_every_connection_is_unavailable),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
