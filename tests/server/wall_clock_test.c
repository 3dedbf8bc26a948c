/*
 * The wall clock of this host is stepped by an hour, either way, under a holder that renews, a holder that
 * does not and a waiter: nothing comes of it. The wall clock is this program's own: its clock_gettime,
 * gettimeofday and time come before those of the C library; all other clocks go on as they are.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/one_server.h"
#include "support/timing.h"

enum { kHour = 3600 };

static _Atomic int64_t step_s;
static atomic_int other_clocks; /* how often they were asked here: the library does come by */

int clock_gettime(clockid_t clock, struct timespec *out) {
  const int result = (int)syscall(SYS_clock_gettime, clock, out);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
    out->tv_sec += atomic_load(&step_s);
  else
    atomic_fetch_add(&other_clocks, 1);
  return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

static void the_step_is_seen(int64_t step) {
  const time_t before = time(NULL);
  atomic_fetch_add(&step_s, step);
  assert_in_range(time(NULL) - before - step + 10, 10, 15);
}

/* A lock of 1.5 s that is renewed, one of a minute that is not, and who waits for the first. */
struct scene {
  redilock_client_t *renewing, *client;
  attempt_t renewed, plain, waiter;
};

static void open_scene(struct scene *scene) {
  redis_do(server, "FLUSHALL");
  scene->renewing = client_at(server->url, "timeout=2s&renew=yes");
  scene->client = client_at(server->url, "timeout=2s");
  assert_int_equal(attempt(&scene->renewed, scene->renewing, "renewed", 1500, 0), REDILOCK_OK);
  assert_int_equal(attempt(&scene->plain, scene->client, "plain", 60000, 0), REDILOCK_OK);
  attempt_start(&scene->waiter, scene->client, "renewed", 60000, 20000);
  assert_true(attempt_queued(&scene->waiter));
}

static void close_scene(struct scene *scene) {
  attempt_free(&scene->renewed);
  attempt_free(&scene->plain);
  attempt_free(&scene->waiter);
  redilock_free(scene->client);
  redilock_free(scene->renewing);
}

static void nothing_comes_of(int64_t step) {
  struct scene scene;
  attempt_t timed;
  open_scene(&scene);
  the_step_is_seen(step);

  const int64_t end = now_ms() + 2000; /* longer than the lease that is renewed */
  while (now_ms() < end) {
    assert_true(redilock_lock_is_held(scene.renewed.lock));
    assert_in_range(redilock_lock_remaining_ms(scene.plain.lock), 50000, 60000);
    pass_ms(5);
  }
  assert_false(scene.waiter.done);
  assert_int_equal(attempt(&timed, scene.client, "plain", 5000, 300), REDILOCK_E_TIMEOUT);
  assert_in_range(timed.ended - timed.began, 299, soon_ms(1500));
  attempt_free(&timed);

  const int64_t released = now_ms();
  assert_int_equal(redilock_release(scene.renewed.lock), REDILOCK_OK);
  assert_int_equal(attempt_join(&scene.waiter), REDILOCK_OK);
  assert_in_range(scene.waiter.ended - released, 0, soon_ms(1000)); /* by the push */
  assert_true(scene.waiter.fence > scene.renewed.fence);
  assert_in_range(redilock_lock_remaining_ms(scene.waiter.lock), 50000, 60000);
  assert_int_equal(redilock_extend(scene.plain.lock, 90000), REDILOCK_OK);
  assert_in_range(redilock_lock_remaining_ms(scene.plain.lock), 80000, 90000);
  close_scene(&scene);
}

static void a_step_forward_changes_nothing(void **state) {
  (void)state;
  nothing_comes_of(kHour);
}

static void a_step_back_changes_nothing(void **state) {
  (void)state;
  nothing_comes_of(-2 * kHour); /* from an hour ahead to an hour behind */
  assert_true(atomic_load(&other_clocks) > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_forward_changes_nothing),
      cmocka_unit_test(a_step_back_changes_nothing),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
