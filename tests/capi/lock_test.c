/* "locks" of redilock.h: releasing, extending, renewing and losing a lock that was granted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/locks.h"
#include "support/one_client.h"
#include "support/timing.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=2s");
}

static redilock_lock_t *take_with(const char *options) {
  waiter_t *waiter = start_waiter(client, "job", options);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  redilock_lock_t *lock = waiter->lock;
  waiter->lock = NULL;
  free_waiter(waiter);
  return lock;
}

static redilock_lock_t *take_renewed(int64_t ttl_ms) {
  char options[48];
  snprintf(options, sizeof options, "ttl=%dms&renew=yes", (int)ttl_ms);
  return take_with(options);
}

static bool is_lost(void *lock) { return redilock_lock_is_held(lock) == 0; }

static void a_second_release_says_not_owner(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 5000);
  assert_status(REDILOCK_OK, redilock_release(lock));
  redilock_lock_t *next = take(client, "job", 5000);
  assert_status(REDILOCK_E_NOT_OWNER, redilock_release(lock));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_extend(lock, 9000));
  redilock_lock_free(lock);
  assert_in_range(redis_integer(server, "PTTL job"), 4000, 5000);
  give(next);
}

static void release_after_expiry_says_lost_and_spares_the_successor(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 60);
  assert_true(eventually(is_free, "job", 2000));
  assert_int_equal(redilock_lock_is_held(lock), 0);
  redilock_lock_t *next = take(client, "job", 5000);
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 9000));
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  redilock_lock_free(lock);
  assert_int_equal(redilock_lock_is_held(next), 1);
  give(next);
}

/* Never "held" when the server has already let it go. */
static void held_ends_before_the_servers_lease(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 300);
  assert_in_range(redilock_lock_remaining_ms(lock), 0, 295); /* kept back: 1 % and 2 ms */
  while (redilock_lock_is_held(lock) == 1) {
    const bool there = redis_integer(server, "EXISTS job") == 1;
    if (!there) assert_int_equal(redilock_lock_is_held(lock), 0);
  }
  redilock_lock_free(lock);
}

static void *release_it(void *lock) { return (void *)(intptr_t)redilock_release(lock); }

static void any_thread_may_release(void **state) {
  (void)state;
  void *status = &status;
  pthread_t thread;
  redilock_lock_t *lock = take(client, "job", 5000);
  assert_int_equal(pthread_create(&thread, NULL, release_it, lock), 0);
  pthread_join(thread, &status);
  assert_status(REDILOCK_OK, (int32_t)(intptr_t)status);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  redilock_lock_free(lock);
}

static void of_many_threads_one_releases(void **state) {
  (void)state;
  for (int round = 0; round < 50; ++round) {
    enum { kThreads = 4 };
    pthread_t threads[kThreads];
    int released = 0;
    redilock_lock_t *lock = take(client, "job", 5000);
    for (int i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, release_it, lock);
    for (int i = 0; i < kThreads; ++i) {
      void *status;
      pthread_join(threads[i], &status);
      released += (intptr_t)status == REDILOCK_OK;
      assert_true((intptr_t)status == REDILOCK_OK || (intptr_t)status == REDILOCK_E_NOT_OWNER);
    }
    assert_int_equal(released, 1);
    redilock_lock_free(lock);
  }
}

static void extend_lengthens_and_never_shortens(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 2000);
  const int64_t fence = redilock_lock_fence(lock);
  assert_status(REDILOCK_OK, redilock_extend(lock, 60000));
  assert_in_range(redis_integer(server, "PTTL job"), 59000, 60000);
  assert_in_range(redilock_lock_remaining_ms(lock), 58000, 59400);
  assert_status(REDILOCK_OK, redilock_extend(lock, 1000));
  assert_in_range(redis_integer(server, "PTTL job"), 58000, 60000);
  assert_in_range(redilock_lock_remaining_ms(lock), 57000, 59400);
  assert_int_equal(redilock_lock_fence(lock), fence);
  const int64_t wrong[] = {0, -1, REDILOCK_TTL_MAX + 1};
  for (size_t i = 0; i < 3; ++i) assert_status(REDILOCK_E_INVALID, redilock_extend(lock, wrong[i]));
  assert_int_equal(redilock_lock_is_held(lock), 1);
  give(lock);
}

static void extend_of_a_lock_taken_away_says_lost(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 5000);
  redis_do(server, "SET job other PX 9000");
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 8000));
  assert_int_equal(redilock_lock_is_held(lock), 0);
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  assert_int_equal(redis_integer(server, "EXISTS job"), 1);
  redilock_lock_free(lock);
}

static void renewal_keeps_it_past_its_ttl(void **state) {
  (void)state;
  const int64_t ttl = slow_ms(1500);
  redilock_lock_t *lock = take_renewed(ttl);
  const int64_t fence = redilock_lock_fence(lock);
  for (int i = 0; i < 4; ++i) {
    assert_true(redis_sees_renewal(server, "job"));
    assert_int_equal(redilock_lock_is_held(lock), 1);
    assert_in_range(redis_integer(server, "PTTL job"), 1, ttl);
  }
  assert_int_equal(redilock_lock_fence(lock), fence);
  give(lock);
}

static void without_a_handle_it_is_renewed_no_more(void **state) {
  (void)state;
  redilock_lock_free(take_renewed(300));
  assert_true(eventually(is_free, "job", 1000));
}

static void max_hold_ends_renewal(void **state) {
  (void)state;
  const int64_t before = now_ms();
  redilock_lock_t *lock = take_with("ttl=300ms&renew=yes&max_hold=600ms");
  assert_true(eventually(is_lost, lock, 3000));
  assert_in_range(now_ms() - before, 400, soon_ms(1300));
  assert_true(eventually(is_free, "job", 1000));
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  redilock_lock_free(lock);
}

static void a_break_is_seen_by_renewal_before_the_lease_would_end(void **state) {
  (void)state;
  redilock_lock_t *lock = take_with("ttl=3s&renew=yes");
  redilock_op_t *op = new_op(client, "job");
  const int64_t before = now_ms();
  assert_status(REDILOCK_OK, redilock_op_break(op));
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_true(eventually(is_lost, lock, 2500));
  assert_in_range(now_ms() - before, 0, soon_ms(2000));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_break(op));
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void a_release_is_not_undone_by_its_renewal(void **state) {
  (void)state;
  for (int i = 0; i < 100; ++i) {
    redilock_lock_t *lock = take_with("ttl=30ms&renew=yes");
    pass_ms(i % 12);
    const int32_t status = redilock_release(lock);
    assert_true(status == REDILOCK_OK || status == REDILOCK_E_LOST);
    assert_int_equal(redis_integer(server, "EXISTS job"), 0);
    redilock_lock_free(lock);
  }
}

/* The server sleeps while it is asked to release: nobody can know, until it is asked again. */
static void an_unanswered_release_is_unknown_and_can_be_asked_again(void **state) {
  (void)state;
  redilock_client_t *hasty = new_client(server, "timeout=200ms");
  redilock_lock_t *lock = take(hasty, "job", 20000);
  redis_pause(server);
  const int32_t first = redilock_release(lock);
  redis_resume(server);
  assert_true(first == REDILOCK_E_UNKNOWN || first == REDILOCK_E_UNAVAILABLE);
  assert_status(REDILOCK_OK, redilock_release(lock));
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_E_NOT_OWNER, redilock_release(lock));
  redilock_lock_free(lock);
  redilock_free(hasty);
}

static void release_by_token_and_extend_by_token(void **state) {
  (void)state;
  size_t len = 0;
  redilock_lock_t *lock = take(client, "job", 5000);
  redilock_op_t *op = new_op(client, "job");
  const char *token = redilock_lock_token(lock, &len);
  assert_status(REDILOCK_OK, redilock_op_set_bytes(op, "token", token, len));
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "50s"));
  assert_status(REDILOCK_OK, redilock_op_extend(op, NULL));
  assert_in_range(redis_integer(server, "PTTL job"), 49000, 50000);
  assert_status(REDILOCK_OK, redilock_op_extend(op, lock));
  assert_in_range(redilock_lock_remaining_ms(lock), 48000, 50000);
  assert_status(REDILOCK_OK, redilock_op_release(op, NULL));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_release(op, NULL));
  assert_status(REDILOCK_E_NOT_OWNER, redilock_op_extend(op, NULL));
  assert_null(strstr(message_of(op), token));
  assert_status(REDILOCK_E_LOST, redilock_op_extend(op, lock));
  redilock_lock_free(lock);
  redilock_op_free(op);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(a_second_release_says_not_owner),
      CASE(release_after_expiry_says_lost_and_spares_the_successor),
      CASE(held_ends_before_the_servers_lease),
      CASE(any_thread_may_release),
      CASE(of_many_threads_one_releases),
      CASE(extend_lengthens_and_never_shortens),
      CASE(extend_of_a_lock_taken_away_says_lost),
      CASE(renewal_keeps_it_past_its_ttl),
      CASE(without_a_handle_it_is_renewed_no_more),
      CASE(max_hold_ends_renewal),
      CASE(a_break_is_seen_by_renewal_before_the_lease_would_end),
      CASE(a_release_is_not_undone_by_its_renewal),
      CASE(an_unanswered_release_is_unknown_and_can_be_asked_again),
      CASE(release_by_token_and_extend_by_token),
  };
  return cmocka_run_group_tests_name("capi/lock", tests, start_server, stop_server);
}
