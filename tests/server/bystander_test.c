/*
 * Requests that were given up without an answer, and then another server behind the address, or the
 * same one after a restart: the ids of the old connections belong to other programs there. None of
 * these may be cut off, whether they came by TCP or share a unix socket with the client.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/bystanders.h"
#include "support/cmocka.h"
#include "support/needs.h"
#include "support/proxy.h"
#include "support/redis.h"
#include "support/timing.h"

enum { kBystanders = 40, kMaxIds = 16 };

/* ---------------------------------------------------------------- who is connected */

/* The ids of all connections of a server but that of the question. */
struct ids {
  int64_t id[kMaxIds];
  int count;
};

/* Redis before 7.0 names the command alone, and before 6.0 at the end of the line. */
static bool asks_for_the_list(const char *line, const char *end) {
  const char *command = strstr(line, "cmd=client");
  if (command == NULL || command > end) return false;
  command += strlen("cmd=client");
  return *command == ' ' || *command == '\n' || strncmp(command, "|list", 5) == 0;
}

static struct ids connected(const redis_server_t *at) {
  static char list[1 << 16];
  struct ids ids = {{0}, 0};
  assert_true(redis_text(at, list, sizeof list, "CLIENT LIST"));
  for (const char *line = strstr(list, "id="); line != NULL; line = strstr(line, "\nid=")) {
    line += *line == '\n' ? 1 : 0;
    const char *end = strchr(line, '\n');
    assert_non_null(end);
    if (asks_for_the_list(line, end)) continue;
    assert_true(ids.count < kMaxIds);
    ids.id[ids.count++] = strtoll(line + 3, NULL, 10);
    line = end;
    if (strstr(line, "\nid=") == NULL) break;
  }
  return ids;
}

/* Or else the test would show nothing: an id of the client is that of a bystander now. */
static void expect_common_ids(const struct ids *ids, const bystanders_t *bystanders) {
  assert_true(ids->count > 0);
  for (int i = 0; i < ids->count; ++i) assert_true(bystanders_have_id(bystanders, ids->id[i]));
}

static int64_t kills_so_far(const redis_server_t *at) {
  char stats[8192];
  assert_true(redis_text(at, stats, sizeof stats, "INFO commandstats"));
  const char *calls = strstr(stats, "cmdstat_client|kill:calls=");
  return calls == NULL ? 0 : strtoll(strchr(calls, '=') + 1, NULL, 10);
}

/* Connections use up ids, so that those of the client are higher than the first ones. */
static void use_up_ids(const redis_server_t *at, int64_t up_to) {
  while (redis_integer(at, "CLIENT ID") < up_to) {
  }
}

/* Skips the case before Redis 6.2, where the port of a running server cannot change. */
static redis_server_t *start_with_port(void) {
  redis_server_t *redis = redis_start_tcp(NULL);
  char command[32];
  snprintf(command, sizeof command, "CONFIG SET port %d", redis->port);
  if (redis_accepts(redis, command)) return redis;
  redis_stop(redis);
  print_message("skipped: this server cannot change its port while it runs\n");
  skip();
  return NULL;
}

/* ---------------------------------------------------------------- the scenes */

/* A holder whose extension was given up while its server did not answer. */
struct scene {
  redilock_client_t *client;
  attempt_t holder;
  struct ids ids;
};

static struct scene give_up_extension(const char *url, redis_server_t *at) {
  struct scene scene = {.client = client_at(url, "timeout=300ms")};
  assert_int_equal(attempt(&scene.holder, scene.client, "lock", 60000, 0), REDILOCK_OK);
  scene.ids = connected(at);
  redis_pause(at);
  assert_int_equal(redilock_extend(scene.holder.lock, 90000), REDILOCK_E_UNKNOWN);
  return scene;
}

static void end_scene(struct scene *scene, bystanders_t *bystanders) {
  expect_common_ids(&scene->ids, bystanders);
  attempt_t one;
  assert_int_equal(attempt(&one, scene->client, "other", 5000, 0), REDILOCK_OK);
  assert_int_equal(bystanders_cut(bystanders), 0);
  attempt_free(&one);
  attempt_free(&scene->holder);
  redilock_free(scene->client);
  bystanders_free(bystanders);
}

/* Starts the server again by its unix socket alone, and by TCP after the bystanders have come. */
static bystanders_t *restart_behind_bystanders(redis_server_t *redis) {
  char port[16], no_port[] = "0";
  redis_kill(redis);
  snprintf(port, sizeof port, "%d", redis->port);
  char **arg = redis->args;
  while (strcmp(*arg, "--port") != 0) ++arg;
  char *own = arg[1];
  arg[1] = no_port;
  const int own_port = redis->port;
  redis->port = 0;
  redis_restart(redis);
  bystanders_t *bystanders = bystanders_connect(redis, kBystanders);
  redis->port = own_port;
  arg[1] = own;
  redis_do(redis, "CONFIG SET port %s", port);
  return bystanders;
}

static void restart_cuts_nobody_off(void **state) {
  (void)state;
  redis_server_t *redis = start_with_port();
  use_up_ids(redis, 10);
  struct scene scene = give_up_extension(redis->tcp_url, redis);
  bystanders_t *bystanders = restart_behind_bystanders(redis);
  end_scene(&scene, bystanders);
  redis_stop(redis);
}

static bool has_lost(void *lock) { return !redilock_lock_is_held(lock); }

/* The renewal is what has no answer. */
static void restart_under_a_renewing_client_cuts_nobody_off(void **state) {
  (void)state;
  redis_server_t *redis = start_with_port();
  use_up_ids(redis, 10);
  struct scene scene = {.client = client_at(redis->tcp_url, "timeout=300ms&renew=yes")};
  assert_int_equal(attempt(&scene.holder, scene.client, "lock", 600, 0), REDILOCK_OK);
  assert_int_equal(redilock_release(scene.holder.lock), REDILOCK_OK);
  attempt_free(&scene.holder);
  assert_int_equal(attempt(&scene.holder, scene.client, "lock", 600, 0), REDILOCK_OK);
  scene.ids = connected(redis);
  redis_pause(redis);
  assert_true(eventually(has_lost, scene.holder.lock, 10000));
  bystanders_t *bystanders = restart_behind_bystanders(redis);
  end_scene(&scene, bystanders);
  redis_stop(redis);
}

/* Nothing was under way: there is nothing to end either. */
static void restart_under_an_idle_client_ends_no_connection(void **state) {
  (void)state;
  redis_server_t *redis = start_with_port();
  use_up_ids(redis, 10);
  redilock_client_t *client = client_at(redis->tcp_url, "timeout=5s");
  redilock_op_t *op = submit(client, "submitted", "ttl=60s&wait=0", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_free(lock_of(op));
  redilock_op_free(op);
  attempt_and_release(client, "lock");
  const struct ids ids = connected(redis);
  bystanders_t *bystanders = restart_behind_bystanders(redis);
  expect_common_ids(&ids, bystanders);
  op = submit(client, "submitted", "ttl=60s&wait=0", 2);
  expect_completion(client, 2, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_free(lock_of(op));
  redilock_op_free(op);
  attempt_and_release(client, "lock");
  assert_int_equal(bystanders_cut(bystanders), 0);
  assert_int_equal(kills_so_far(redis), 0);
  bystanders_free(bystanders);
  redilock_free(client);
  redis_stop(redis);
}

static void another_server_at_the_port_cuts_nobody_off(void **state) {
  (void)state;
  redis_server_t *old = start_with_port(), *new = start_with_port();
  use_up_ids(old, 10);
  struct scene scene = give_up_extension(old->tcp_url, old);
  bystanders_t *bystanders = bystanders_connect(new, kBystanders);
  redis_kill(old);
  redis_do(new, "CONFIG SET port %d", old->port);
  end_scene(&scene, bystanders);
  redis_stop(new);
  redis_stop(old);
}

static void point_to(const char *link, const redis_server_t *to) {
  char new_link[128];
  snprintf(new_link, sizeof new_link, "%s.new", link);
  assert_int_equal(symlink(to->socket, new_link), 0);
  assert_int_equal(rename(new_link, link), 0);
}

/* Both servers call their socket by the same path, so that all clients have the same address. */
static void another_server_at_the_path_cuts_nobody_off(void **state) {
  (void)state;
  const char *const args[] = {"--unixsocket", "redis.sock", NULL};
  redis_server_t *old = redis_start(args), *new = redis_start(args);
  char link[96], url[128];
  snprintf(link, sizeof link, "%s/link.sock", old->folder);
  snprintf(url, sizeof url, "unix://%s", link);
  point_to(link, old);
  use_up_ids(old, 10);
  struct scene scene = give_up_extension(url, old);
  bystanders_t *bystanders = bystanders_connect(new, kBystanders);
  point_to(link, new);
  end_scene(&scene, bystanders);
  assert_int_equal(unlink(link), 0);
  redis_stop(new);
  redis_stop(old);
}

static void proxy_that_fails_over_cuts_nobody_off(void **state) {
  (void)state;
  redis_server_t *old = redis_start_tcp(NULL), *new = redis_start_tcp(NULL);
  proxy_t *proxy = proxy_start_tcp(old->port);
  use_up_ids(old, 10);
  struct scene scene = give_up_extension(proxy_url(proxy), old);
  bystanders_t *bystanders = bystanders_connect(new, kBystanders);
  proxy_fail_over(proxy, new->port);
  end_scene(&scene, bystanders);
  proxy_stop(proxy);
  redis_stop(new);
  redis_stop(old);
}

/* The id of the one replica of a server, -1 for none. */
static int64_t replica_id(const redis_server_t *at) {
  char list[4096];
  assert_true(redis_text(at, list, sizeof list, "CLIENT LIST TYPE replica"));
  return strncmp(list, "id=", 3) == 0 ? strtoll(list + 3, NULL, 10) : -1;
}

static bool has_a_replica(void *at) { return replica_id(at) > 0; }

static void link_of_a_replica_is_not_cut(void **state) {
  (void)state;
  const char *const args[] = {"--repl-diskless-sync-delay", "0", NULL};
  redis_server_t *old = redis_start_tcp(NULL), *new = redis_start_tcp(args);
  redis_server_t *replica = redis_start(NULL);
  proxy_t *proxy = proxy_start_tcp(old->port);
  use_up_ids(new, 30);
  redis_do(replica, "REPLICAOF 127.0.0.1 %d", new->port);
  assert_true(eventually(has_a_replica, new, 10000));
  const int64_t id = replica_id(new);
  use_up_ids(old, id - 1); /* the client is the next */
  struct scene scene = give_up_extension(proxy_url(proxy), old);
  assert_int_equal(scene.ids.count, 1);
  assert_int_equal(scene.ids.id[0], id);
  proxy_fail_over(proxy, new->port);
  assert_true(attempt_and_release(scene.client, "other") > 0);
  assert_int_equal(replica_id(new), id);
  attempt_free(&scene.holder);
  redilock_free(scene.client);
  proxy_stop(proxy);
  redis_stop(replica);
  redis_stop(new);
  redis_stop(old);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(restart_cuts_nobody_off),
      cmocka_unit_test(restart_under_a_renewing_client_cuts_nobody_off),
      cmocka_unit_test(restart_under_an_idle_client_ends_no_connection),
      cmocka_unit_test(another_server_at_the_port_cuts_nobody_off),
      cmocka_unit_test(another_server_at_the_path_cuts_nobody_off),
      cmocka_unit_test(proxy_that_fails_over_cuts_nobody_off),
      cmocka_unit_test(link_of_a_replica_is_not_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
