/*
 * A server that stops, dies, comes back with or without its data, or loses keys under holders and
 * waiters: LOST where the lock is gone, no false grant, and waiters that go on in their order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/redis.h"
#include "support/timing.h"

enum { kWaiters = 5 };

static redis_server_t *redis;

static int set_up(void **state) {
  (void)state;
  redis = redis_start(NULL);
  return 0;
}

static int set_up_persistent(void **state) {
  (void)state;
  const char *const args[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
  redis = redis_start(args);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  redis_stop(redis);
  return 0;
}

static bool holder_has_lost(void *lock) { return !redilock_lock_is_held(lock); }

static void short_stop_keeps_the_lock(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, "timeout=3s&renew=yes");
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 6000, 0), REDILOCK_OK);
  attempt_start(&waiter, client, "lock", 6000, 20000);
  assert_true(attempt_queued(&waiter));
  redis_pause(redis);
  pass_ms(1500);
  redis_resume(redis);
  assert_true(redilock_lock_is_held(holder.lock));
  assert_false(waiter.done);
  assert_int_equal(redilock_release(holder.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_true(waiter.fence > holder.fence);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(client);
}

/* The server is away for longer than the ttl: the holder is told by its own clock, before anybody.
 */
static void long_stop_loses_the_lock(void **state) {
  (void)state;
  redilock_client_t *client = client_at(redis->url, "timeout=500ms&renew=yes");
  attempt_t holder, waiter;
  assert_int_equal(attempt(&holder, client, "lock", 1500, 0), REDILOCK_OK);
  attempt_start(&waiter, client, "lock", 20000, 20000);
  assert_true(attempt_queued(&waiter));
  redis_pause(redis);
  const int64_t stopped = now_ms();
  assert_true(eventually(holder_has_lost, holder.lock, 3000));
  assert_in_range(now_ms() - stopped, 0, soon_ms(1550));
  assert_false(waiter.done);
  pass_ms(600);
  redis_resume(redis);
  assert_int_equal(attempt_join(&waiter), REDILOCK_OK);
  assert_true(waiter.fence > holder.fence);
  assert_int_equal(redilock_extend(holder.lock, 5000), REDILOCK_E_LOST);
  assert_true(redilock_lock_is_held(waiter.lock));
  assert_int_equal(redilock_release(waiter.lock), REDILOCK_OK);
  attempt_free(&holder);
  attempt_free(&waiter);
  redilock_free(client);
}

/* An idle connection that ended meanwhile carried nothing: the outcome is known. */
static void idle_connection_to_a_dead_server_is_unavailable(void **state) {
  (void)state;
  for (int tcp = 0; tcp < 2; ++tcp) {
    redis_server_t *dead = redis_start_tcp(NULL);
    redilock_client_t *client = client_at(tcp ? dead->tcp_url : dead->url, "timeout=300ms");
    attempt_t holder, other;
    assert_int_equal(attempt(&holder, client, "lock", 60000, 0), REDILOCK_OK);
    redis_kill(dead);
    pass_ms(150); /* idle */
    assert_int_equal(attempt(&other, client, "other", 5000, 0), REDILOCK_E_UNAVAILABLE);
    assert_int_equal(redilock_release(holder.lock), REDILOCK_E_UNAVAILABLE);
    attempt_free(&other);
    attempt_free(&holder);
    redilock_free(client);
    redis_stop(dead);
  }
}

/* Holder and waiters, each of a client of its own, in a known order. */
struct scene {
  redilock_client_t *clients[kWaiters + 1];
  attempt_t holder, waiters[kWaiters];
};

static void open_scene(struct scene *scene, int64_t ttl_ms) {
  for (int i = 0; i <= kWaiters; ++i)
    scene->clients[i] = client_at(redis->url, "timeout=10s&renew=yes");
  assert_int_equal(attempt(&scene->holder, scene->clients[kWaiters], "lock", ttl_ms, 0),
                   REDILOCK_OK);
  for (int i = 0; i < kWaiters; ++i) {
    attempt_start(&scene->waiters[i], scene->clients[i], "lock", 20000, 30000);
    assert_true(attempt_queued(&scene->waiters[i]));
  }
}

static void close_scene(struct scene *scene) {
  attempt_free(&scene->holder);
  for (int i = 0; i < kWaiters; ++i) attempt_free(&scene->waiters[i]);
  for (int i = 0; i <= kWaiters; ++i) redilock_free(scene->clients[i]);
}

struct next {
  struct scene *scene;
  int index;
};

static bool somebody_has_it(void *argument) {
  struct next *next = argument;
  for (int i = 0; i < kWaiters; ++i)
    if (next->scene->waiters[i].in_thread && atomic_load(&next->scene->waiters[i].done)) {
      next->index = i;
      return true;
    }
  return false;
}

/* Everybody gets it, with rising fences, and in order where that is said. */
static void expect_everybody(struct scene *scene, bool in_order) {
  int64_t fence = scene->holder.fence;
  for (int i = 0; i < kWaiters; ++i) {
    struct next next = {scene, -1};
    assert_true(eventually(somebody_has_it, &next, 10000));
    attempt_t *waiter = &scene->waiters[next.index];
    if (attempt_join(waiter) != REDILOCK_OK) fail_msg("%s", waiter->message);
    if (in_order) assert_int_equal(next.index, i);
    assert_true(waiter->fence > fence);
    fence = waiter->fence;
    assert_true(redilock_lock_is_held(waiter->lock));
    assert_int_equal(redilock_release(waiter->lock), REDILOCK_OK);
  }
  assert_int_equal(redis_integer(redis, "EXISTS lock redilock:1:{A@NL}:queue:lock"), 0);
}

static void restart_with_data_keeps_lock_and_order(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 20000);
  redis_restart(redis);
  assert_true(redilock_lock_is_held(scene.holder.lock));
  assert_int_equal(redilock_extend(scene.holder.lock, 20000), REDILOCK_OK);
  pass_ms(2500); /* everybody has subscribed and re-checked again */
  assert_int_equal(redilock_release(scene.holder.lock), REDILOCK_OK);
  expect_everybody(&scene, true);
  close_scene(&scene);
}

static void restart_without_data_loses_the_lock(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 1200);
  redis_restart(redis);
  assert_true(eventually(holder_has_lost, scene.holder.lock, 1300)); /* the renewal found out */
  assert_int_equal(redilock_release(scene.holder.lock), REDILOCK_E_LOST);
  expect_everybody(&scene, false);
  close_scene(&scene);
}

static void flushed_data_loses_the_lock(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 20000);
  redis_do(redis, "FLUSHALL");
  assert_int_equal(redilock_extend(scene.holder.lock, 20000), REDILOCK_E_LOST);
  assert_false(redilock_lock_is_held(scene.holder.lock));
  expect_everybody(&scene, false);
  close_scene(&scene);
}

static void foreign_del_loses_the_lock_and_keeps_the_order(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 900);
  redis_do(redis, "DEL lock");
  assert_true(eventually(holder_has_lost, scene.holder.lock, 950));
  assert_int_equal(redilock_release(scene.holder.lock), REDILOCK_E_LOST);
  expect_everybody(&scene, true);
  close_scene(&scene);
}

static bool all_wait(void *unused) {
  (void)unused;
  return redis_integer(redis, "ZCARD redilock:1:{A@NL}:queue:lock") == kWaiters;
}

static void killed_connections_again_and_again_keep_lock_and_order(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 3000);
  for (int i = 0; i < 60; ++i) {
    redis_do(redis, "CLIENT KILL TYPE %s", i % 2 == 0 ? "normal" : "pubsub");
    pass_ms(50);
  }
  assert_true(redilock_lock_is_held(scene.holder.lock)); /* it was renewed all the time */
  assert_true(eventually(all_wait, NULL, 2500));
  assert_int_equal(redilock_release(scene.holder.lock), REDILOCK_OK);
  expect_everybody(&scene, true);
  close_scene(&scene);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(short_stop_keeps_the_lock),
      CASE(long_stop_loses_the_lock),
      cmocka_unit_test(idle_connection_to_a_dead_server_is_unavailable),
      cmocka_unit_test_setup_teardown(restart_with_data_keeps_lock_and_order, set_up_persistent,
                                      tear_down),
      CASE(restart_without_data_loses_the_lock),
      CASE(flushed_data_loses_the_lock),
      CASE(foreign_del_loses_the_lock_and_keeps_the_order),
      CASE(killed_connections_again_and_again_keep_lock_and_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
