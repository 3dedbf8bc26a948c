/*
 * A failover behind the address of a client: the former primary lives on as a replica, and its
 * connections with it. The client has to leave it by itself, with all that it waits for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/one_server.h"
#include "support/timing.h"

static redilock_client_t *client;

static int set_up(void **state) {
  empty_server(state);
  client = client_at(server->url, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redilock_free(client);
  redis_do(server, "REPLICAOF NO ONE");
  return 0;
}

static void point_to(const char *link, const redis_server_t *to) {
  char new_link[128];
  snprintf(new_link, sizeof new_link, "%s.new", link);
  assert_int_equal(symlink(to->socket, new_link), 0);
  assert_int_equal(rename(new_link, link), 0);
}

/* What INFO counts in a section under a name, 0 if it does not stand there. */
static int64_t counted(const redis_server_t *at, const char *section, const char *name) {
  char stats[8192];
  assert_true(redis_text(at, stats, sizeof stats, "INFO %s", section));
  const char *count = strstr(stats, name);
  return count == NULL ? 0 : strtoll(count + strlen(name), NULL, 10);
}

static int64_t connections_so_far(const redis_server_t *at) {
  return counted(at, "stats", "total_connections_received:");
}

static int64_t kills_so_far(const redis_server_t *at) {
  return counted(at, "commandstats", "cmdstat_client|kill:calls=");
}

static void new_primary_behind_the_address_is_found(void **state) {
  (void)state;
  redis_server_t *other = redis_start(NULL);
  char link[96], url[128];
  snprintf(link, sizeof link, "%s/primary.sock", server->folder);
  snprintf(url, sizeof url, "unix://%s", link);
  point_to(link, server);
  redilock_client_t *moving = client_at(url, "timeout=5s");
  attempt_t one;
  assert_int_equal(attempt(&one, moving, "before", 5000, 0), REDILOCK_OK);
  attempt_free(&one);
  redis_do(server, "REPLICAOF 127.0.0.1 1");
  point_to(link, other);
  assert_int_equal(attempt(&one, moving, "after", 5000, 0), REDILOCK_OK);
  assert_int_equal(redis_integer(other, "EXISTS after"), 1);
  attempt_free(&one);
  const int64_t before = connections_so_far(other);
  for (int i = 0; i < 5; ++i) {
    assert_int_equal(attempt(&one, moving, "again", 5000, 0), REDILOCK_OK);
    assert_int_equal(redilock_release(one.lock), REDILOCK_OK);
    attempt_free(&one);
  }
  assert_int_equal(connections_so_far(other), before + 1); /* for asking */
  assert_int_equal(unlink(link), 0);
  redilock_free(moving);
  redis_stop(other);
}

static bool has_a_subscriber(void *other) {
  redisReply *reply = redis_command(other, "PUBSUB CHANNELS redilock:1:*");
  const bool has = reply->elements > 0;
  freeReplyObject(reply);
  return has;
}

static bool somebody_waits(void *at) {
  return redis_integer(at, "ZCARD redilock:1:{A@NL}:queue:lock") == 1;
}

/* Begins to wait for "lock" there, and takes it once it is granted. */
struct waiting {
  attempt_t attempt;
  redilock_op_t *op;
};

static void begin_blocking(struct waiting *waiting, redilock_client_t *there) {
  attempt_start(&waiting->attempt, there, "lock", 5000, 30000);
}

static void end_blocking(struct waiting *waiting, redilock_client_t *there) {
  (void)there;
  assert_int_equal(attempt_join(&waiting->attempt), REDILOCK_OK);
  attempt_free(&waiting->attempt);
}

static void begin_submitted(struct waiting *waiting, redilock_client_t *there) {
  waiting->op = submit(there, "lock", "ttl=5s&wait=30s", 1);
}

static void end_submitted(struct waiting *waiting, redilock_client_t *there) {
  expect_completion(there, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_free(lock_of(waiting->op));
  redilock_op_free(waiting->op);
}

/* What waits has to move too: the new server hands on to nobody whose subscription it does not see. */
static void waits_through_a_failover(void (*begin)(struct waiting *, redilock_client_t *),
                                     void (*end)(struct waiting *, redilock_client_t *)) {
  redis_server_t *other = redis_start(NULL);
  char link[96], url[128];
  snprintf(link, sizeof link, "%s/primary.sock", server->folder);
  snprintf(url, sizeof url, "unix://%s", link);
  point_to(link, server);
  redilock_client_t *moving = client_at(url, NULL), *there = client_at(other->url, NULL);
  attempt_t old, new;
  struct waiting waiting;
  assert_int_equal(attempt(&old, client, "lock", 60000, 0), REDILOCK_OK);
  assert_int_equal(attempt(&new, there, "lock", 60000, 0), REDILOCK_OK);
  begin(&waiting, moving);
  assert_true(eventually(somebody_waits, server, 10000));
  redis_do(server, "REPLICAOF 127.0.0.1 1");
  point_to(link, other);
  assert_true(eventually(has_a_subscriber, other, 10000));
  assert_true(eventually(somebody_waits, other, 10000));
  assert_int_equal(redilock_release(new.lock), REDILOCK_OK);
  assert_int_equal(redis_integer(other, "EXISTS lock"), 1); /* handed on, not freed */
  end(&waiting, moving);
  assert_int_equal(kills_so_far(other), 0); /* ids of the old one are somebody else's here */
  attempt_free(&new);
  attempt_free(&old);
  assert_int_equal(unlink(link), 0);
  redilock_free(there);
  redilock_free(moving);
  redis_stop(other);
}

static void waiter_subscribes_at_the_new_primary(void **state) {
  (void)state;
  waits_through_a_failover(begin_blocking, end_blocking);
}

static void submitted_waiter_subscribes_at_the_new_primary(void **state) {
  (void)state;
  waits_through_a_failover(begin_submitted, end_submitted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(new_primary_behind_the_address_is_found, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiter_subscribes_at_the_new_primary, set_up, tear_down),
      cmocka_unit_test_setup_teardown(submitted_waiter_subscribes_at_the_new_primary, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
