/* Processes that die or stop: a killed holder, killed waiters, a holder asleep past its lease. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "support/child.h"
#include "support/locks.h"
#include "support/one_server.h"

/* Waits for "job", tells its fence or minus its status, holds it until it hears something. */
static int hold_job(child_t *self, void *ttl_ms) {
  redilock_client_t *client = new_client(server, NULL);
  redilock_lock_t *lock = NULL;
  const int32_t status = redilock_acquire(client, "job", 3, *(const int64_t *)ttl_ms,
                                          REDILOCK_WAIT_FOREVER, &lock, NULL, 0);
  tell(self, status == REDILOCK_OK ? redilock_lock_fence(lock) : status);
  hear(self);
  return redilock_release(lock) == REDILOCK_OK ? 0 : 1;
}

static void a_killed_holder_is_followed_when_its_lease_ends(void **state) {
  (void)state;
  const int64_t ttl = 600;
  child_t holder = start_child(hold_job, (void *)&ttl);
  assert_true(hear(&holder) > 0);
  redilock_client_t *client = new_client(server, NULL);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  kill_child(&holder);
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, join_waiter(waiter));
  assert_in_range(now_ms() - before, 0, soon_ms(ttl + 500));
  free_waiter(waiter);
  redilock_free(client);
}

static bool no_queue_is_left(void *context) {
  (void)context;
  return redis_integer(server, "EVAL %s 0", "return #redis.call('KEYS', 'redilock:1:*queue*')") ==
             0 &&
         redis_integer(server, "EXISTS job") == 0;
}

/* The server counts a killed waiter until it sees the end of its connection. */
static bool server_sees_waiters(void *count) {
  redisReply *channels = redis_command(server, "PUBSUB CHANNELS redilock:1:*");
  const bool seen = channels->elements == *(const size_t *)count;
  freeReplyObject(channels);
  return seen;
}

static void killed_waiters_are_skipped_at_once(void **state) {
  (void)state;
  enum { kDead = 6 };
  const int64_t ttl = 20000;
  child_t dead[kDead], holder = start_child(hold_job, (void *)&ttl);
  const int64_t fence = hear(&holder);
  redilock_client_t *client = new_client(server, NULL);
  for (int i = 0; i < kDead; ++i) {
    dead[i] = start_child(hold_job, (void *)&ttl);
    assert_true(wait_for_waiters(client, "job", i + 1));
  }
  child_t living = start_child(hold_job, (void *)&ttl);
  assert_true(wait_for_waiters(client, "job", kDead + 1));
  for (int i = 0; i < kDead; ++i) kill_child(&dead[i]);
  size_t left = 1;
  assert_true(eventually(server_sees_waiters, &left, 5000));
  const int64_t before = now_ms();
  tell(&holder, 1);
  assert_true(hear(&living) > fence);
  assert_in_range(now_ms() - before, 0, soon_ms(1000));
  tell(&living, 1);
  assert_int_equal(end_of(&holder), 0);
  assert_int_equal(end_of(&living), 0);
  assert_true(eventually(no_queue_is_left, NULL, 1000));
  redilock_free(client);
}

static void every_waiter_killed_leaves_the_lock_free(void **state) {
  (void)state;
  const int64_t ttl = 20000;
  child_t holder = start_child(hold_job, (void *)&ttl);
  assert_true(hear(&holder) > 0);
  redilock_client_t *client = new_client(server, NULL);
  child_t first = start_child(hold_job, (void *)&ttl);
  child_t second = start_child(hold_job, (void *)&ttl);
  assert_true(wait_for_waiters(client, "job", 2));
  kill_child(&first);
  kill_child(&second);
  size_t left = 0;
  assert_true(eventually(server_sees_waiters, &left, 5000));
  tell(&holder, 1);
  assert_int_equal(end_of(&holder), 0);
  give(take(client, "job", 5000));
  assert_true(eventually(no_queue_is_left, NULL, 1000));
  redilock_free(client);
}

/* ---------------------------------------------------------------- SIGSTOP */

/* A store that refuses what comes with a smaller fence than it has seen. */
static bool write_fenced(int64_t fence, const char *value) {
  const char *const script =
      "if tonumber(redis.call('HGET', 'store', 'fence') or 0) > tonumber(ARGV[1]) then return 0 "
      "end "
      "redis.call('HSET', 'store', 'fence', ARGV[1], 'value', ARGV[2]) return 1";
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)fence);
  return redis_integer(server, "EVAL %s 0 %s %s", script, text, value) == 1;
}

static int sleep_while_holding(child_t *self, void *ttl_ms) {
  redilock_client_t *client = new_client(server, NULL);
  redilock_lock_t *lock = take(client, "job", *(const int64_t *)ttl_ms);
  if (!write_fenced(redilock_lock_fence(lock), "early")) return 1;
  tell(self, redilock_lock_fence(lock));
  hear(self);
  if (redilock_lock_is_held(lock) != 0 || redilock_lock_remaining_ms(lock) != 0) return 2;
  if (redilock_extend(lock, 5000) != REDILOCK_E_LOST) return 3;
  if (write_fenced(redilock_lock_fence(lock), "stale")) return 4;
  if (redilock_release(lock) != REDILOCK_E_LOST) return 5;
  return 0;
}

static void stop_child(const child_t *child) {
  int status = 0;
  assert_int_equal(kill(child->pid, SIGSTOP), 0);
  assert_int_equal(waitpid(child->pid, &status, WUNTRACED), child->pid);
  assert_true(WIFSTOPPED(status));
}

static void a_holder_stopped_past_its_lease_has_lost_it(void **state) {
  (void)state;
  const int64_t ttl = 300;
  char value[32];
  child_t holder = start_child(sleep_while_holding, (void *)&ttl);
  const int64_t fence = hear(&holder);
  assert_true(fence > 0);
  stop_child(&holder);
  redilock_client_t *client = new_client(server, NULL);
  waiter_t *next = start_waiter(client, "job", "wait=5s");
  assert_status(REDILOCK_OK, join_waiter(next));
  assert_true(redilock_lock_fence(next->lock) > fence);
  assert_true(write_fenced(redilock_lock_fence(next->lock), "next"));
  assert_int_equal(kill(holder.pid, SIGCONT), 0);
  tell(&holder, 1);
  assert_int_equal(end_of(&holder), 0);
  assert_true(redis_text(server, value, sizeof value, "HGET store value"));
  assert_string_equal(value, "next");
  assert_int_equal(redilock_lock_is_held(next->lock), 1);
  assert_status(REDILOCK_OK, redilock_release(next->lock));
  free_waiter(next);
  redilock_free(client);
}

static void a_stopped_waiter_that_is_granted_is_followed(void **state) {
  (void)state;
  const int64_t ttl = 20000, short_ttl = 1500;
  char owner[256], label[32];
  child_t holder = start_child(hold_job, (void *)&ttl);
  const int64_t first = hear(&holder);
  child_t asleep = start_child(hold_job, (void *)&short_ttl);
  redilock_client_t *client = new_client(server, NULL);
  assert_true(wait_for_waiters(client, "job", 1));
  waiter_t *next = start_waiter(client, "job", "wait=10s");
  stop_child(&asleep);
  tell(&holder, 1);
  assert_int_equal(end_of(&holder), 0);
  snprintf(label, sizeof label, "/%d", (int)asleep.pid);
  assert_true(redis_text(server, owner, sizeof owner, "GET job"));
  assert_non_null(strstr(owner, label)); /* it is its grant that runs out */
  assert_status(REDILOCK_OK, join_waiter(next));
  assert_true(redilock_lock_fence(next->lock) > first);
  assert_status(REDILOCK_OK, redilock_release(next->lock));
  assert_int_equal(kill(asleep.pid, SIGCONT), 0);
  assert_true(hear(&asleep) > redilock_lock_fence(next->lock)); /* back in the queue, and free */
  tell(&asleep, 1);
  assert_int_equal(end_of(&asleep), 0);
  free_waiter(next);
  redilock_free(client);
}

/* Says why the lock was lost: by the number of the first of the words found, or minus a status. */
static int renew_and_sleep(child_t *self, void *unused) {
  (void)unused;
  char message[1024];
  redilock_client_t *client = new_client(server, "renew=yes");
  redilock_lock_t *lock = take(client, "job", 900);
  tell(self, redilock_lock_fence(lock));
  const int32_t status = redilock_lock_wait_lost(lock, REDILOCK_WAIT_FOREVER);
  redilock_lock_message(lock, message, sizeof message);
  const bool is_named = strstr(message, "this process was stopped or suspended for ") != NULL;
  if (!is_named) fprintf(stderr, "%s\n", message);
  return status == REDILOCK_E_LOST && is_named ? 0 : 1;
}

static bool nobody_holds(void *unused) {
  (void)unused;
  return redis_integer(server, "EXISTS job") == 0;
}

static void a_renewing_holder_stopped_past_its_lease_learns_why(void **state) {
  (void)state;
  child_t holder = start_child(renew_and_sleep, NULL);
  assert_true(hear(&holder) > 0);
  stop_child(&holder);
  assert_true(eventually(nobody_holds, NULL, 5000));
  pass_ms(1200); /* a renewal that is only a little late says nothing of the process */
  assert_int_equal(kill(holder.pid, SIGCONT), 0);
  assert_int_equal(end_of(&holder), 0);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup(f, empty_server)
  const struct CMUnitTest tests[] = {
      CASE(a_killed_holder_is_followed_when_its_lease_ends),
      CASE(killed_waiters_are_skipped_at_once),
      CASE(every_waiter_killed_leaves_the_lock_free),
      CASE(a_holder_stopped_past_its_lease_has_lost_it),
      CASE(a_renewing_holder_stopped_past_its_lease_learns_why),
      CASE(a_stopped_waiter_that_is_granted_is_followed),
  };
  return cmocka_run_group_tests_name("capi/kill", tests, start_server, stop_server);
}
