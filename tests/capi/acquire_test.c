/* "the short form" of redilock.h, and what it shares with operations: ttl, wait, fences, names and
 * tokens. */
#include <stdlib.h>
#include <string.h>

#include "support/locks.h"
#include "support/one_client.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with(NULL);
}

static int32_t try_name(const char *name, size_t len, int64_t ttl_ms, int64_t wait_ms) {
  redilock_lock_t *lock = (redilock_lock_t *)&lock;
  const int32_t status = redilock_acquire(client, name, len, ttl_ms, wait_ms, &lock, NULL, 0);
  if (status == REDILOCK_OK)
    give(lock);
  else
    assert_null(lock);
  return status;
}

/* ---------------------------------------------------------------- the call */

static void acquired_it_is_a_plain_key_with_the_token(void **state) {
  (void)state;
  size_t len = 0, name_len = 0;
  char value[256];
  redilock_lock_t *lock = take(client, "job", 5000);
  const char *token = redilock_lock_token(lock, &len);
  assert_int_equal(strlen(token), len);
  assert_true(redis_text(server, value, sizeof value, "GET job"));
  assert_string_equal(value, token);
  assert_in_range(redis_integer(server, "PTTL job"), 4000, 5000);
  assert_string_equal(redilock_lock_name(lock, &name_len), "job");
  assert_int_equal(name_len, 3);
  assert_int_equal(redilock_lock_is_held(lock), 1);
  assert_in_range(redilock_lock_remaining_ms(lock), 4000, 4948);
  assert_status(REDILOCK_OK, redilock_release(lock));
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_int_equal(redilock_lock_is_held(lock), 0);
  assert_int_equal(redilock_lock_remaining_ms(lock), 0);
  redilock_lock_free(lock);
}

static void held_and_timeout_for_the_second(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  assert_status(REDILOCK_E_HELD, try_name("job", 3, 1000, 0));
  const int64_t before = now_ms();
  assert_status(REDILOCK_E_TIMEOUT, try_name("job", 3, 1000, 150));
  assert_in_range(now_ms() - before, 149, soon_ms(1150));
  assert_int_equal(waiters_of(client, "job"), 0);
  assert_status(REDILOCK_OK, try_name("jo", 2, 1000, 0));
  give(lock);
  assert_status(REDILOCK_OK, try_name("job", 3, 1000, 0));
}

static void limits_of_ttl_and_wait(void **state) {
  (void)state;
  const int64_t wrong[] = {0, -1, INT64_MIN, REDILOCK_TTL_MAX + 1, INT64_MAX};
  for (size_t i = 0; i < 5; ++i) assert_status(REDILOCK_E_INVALID, try_name("n", 1, wrong[i], 0));
  assert_status(REDILOCK_OK, try_name("n", 1, 1000, REDILOCK_TTL_MAX + 1));
  assert_status(REDILOCK_OK, try_name("n", 1, 1000, INT64_MAX));
  assert_status(REDILOCK_OK, try_name("n", 1, REDILOCK_TTL_MAX, 0));
  assert_status(REDILOCK_OK, try_name("n", 1, 1000, REDILOCK_TTL_MAX));
  assert_status(REDILOCK_OK, try_name("n", 1, 1000, REDILOCK_WAIT_FOREVER));
  assert_status(REDILOCK_OK, try_name("n", 1, 1000, INT64_MIN));
}

static void a_lease_of_a_millisecond_is_never_held(void **state) {
  (void)state;
  assert_status(REDILOCK_E_LOST, try_name("n", 1, 1, 0));
  assert_status(REDILOCK_E_LOST, try_name("n", 1, 2, 1000));
}

static bool acquire_by_ttl(void *ttl_ms) {
  redilock_lock_t *lock = NULL;
  const int32_t status = redilock_acquire(client, "late", 4, *(int64_t *)ttl_ms, 0, &lock, NULL, 0);
  const bool held = lock != NULL && redilock_lock_is_held(lock) == 1;
  redilock_lock_free(lock);
  return status == REDILOCK_OK && held;
}

static void *acquire_it(void *ttl_ms) { return (void *)(intptr_t)acquire_by_ttl(ttl_ms); }

/* The lease had run out by the local clock when the answer came: it is armed anew before it is told. */
static void a_grant_that_comes_too_late_is_not_told_as_it_is(void **state) {
  (void)state;
  int64_t ttl = 300;
  void *held = NULL;
  pthread_t thread;
  give(take(client, "late", 5000));
  redis_pause(server);
  assert_int_equal(pthread_create(&thread, NULL, acquire_it, &ttl), 0);
  pass_ms(2 * ttl);
  redis_resume(server);
  pthread_join(thread, &held);
  assert_true((intptr_t)held);
}

static void fences_rise_also_over_a_loss_of_data(void **state) {
  (void)state;
  int64_t last = 0;
  for (int i = 0; i < 50; ++i) {
    redilock_lock_t *lock = take(client, "n", 5000);
    const int64_t fence = redilock_lock_fence(lock);
    assert_true(fence > last);
    assert_true(fence < INT64_C(9007199254740992));
    last = fence;
    if (i % 10 == 9) {
      redis_do(server, "FLUSHALL");
      redilock_lock_free(lock);
    } else {
      give(lock);
    }
  }
}

/* ---------------------------------------------------------------- names */

struct name {
  const char *bytes;
  size_t len;
};

static void any_bytes_are_a_name_and_no_two_share_a_key(void **state) {
  (void)state;
  static const struct name names[] = {
      {"a\0b", 3}, {"a\0c", 3},      {"a", 1},        {"a\0", 2},       {"\0", 1},
      {"\n", 1},   {"{a}", 3},       {"{", 1},        {"}a{", 3},       {":", 1},
      {"a:b", 3},  {"\xff\xfe", 2},  {"\xc3", 1},     {"a*", 2},        {"[a]?", 4},
      {" ", 1},    {"\r\nDEL x", 7}, {"redilock", 8}, {"Redilock:", 9}, {"\\", 1},
  };
  enum { kCount = sizeof names / sizeof *names };
  redilock_lock_t *locks[kCount];
  for (size_t i = 0; i < kCount; ++i) {
    size_t len = 0;
    assert_status(REDILOCK_OK, redilock_acquire(client, names[i].bytes, names[i].len, 20000, 0,
                                                &locks[i], NULL, 0));
    const char *back = redilock_lock_name(locks[i], &len);
    assert_int_equal(len, names[i].len);
    assert_memory_equal(back, names[i].bytes, len);
    assert_int_equal(back[len], '\0');
    assert_int_equal(redis_integer(server, "EXISTS %b", names[i].bytes, names[i].len), 1);
  }
  for (size_t i = 0; i < kCount; ++i) give(locks[i]);
  for (size_t i = 0; i < kCount; ++i)
    assert_int_equal(redis_integer(server, "EXISTS %b", names[i].bytes, names[i].len), 0);
}

static void limits_of_a_name(void **state) {
  (void)state;
  char longest[REDILOCK_NAME_MAX + 1];
  memset(longest, 'x', sizeof longest);
  assert_status(REDILOCK_OK, try_name(longest, REDILOCK_NAME_MAX, 1000, 0));
  assert_status(REDILOCK_E_INVALID, try_name(longest, REDILOCK_NAME_MAX + 1, 1000, 0));
  assert_status(REDILOCK_E_INVALID, try_name("", 0, 1000, 0));
  assert_status(REDILOCK_E_INVALID, try_name("redilock:", 9, 1000, 0));
  assert_status(REDILOCK_E_INVALID, try_name("redilock:1:x", 12, 1000, 0));
  redilock_client_t *plain = client;
  client = new_client(server, "prefix=redi");
  assert_status(REDILOCK_E_INVALID, try_name("lock:1:x", 8, 1000, 0));
  assert_status(REDILOCK_OK, try_name(longest, REDILOCK_NAME_MAX - 4, 1000, 0));
  assert_status(REDILOCK_E_INVALID, try_name(longest, REDILOCK_NAME_MAX - 3, 1000, 0));
  redilock_free(client);
  client = plain;
}

static void the_prefix_is_part_of_the_key_and_not_of_the_name(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, "prefix=app%3A");
  redilock_lock_t *lock = take(other, "job", 5000);
  assert_int_equal(redis_integer(server, "EXISTS app:job"), 1);
  assert_string_equal(redilock_lock_name(lock, NULL), "job");
  assert_status(REDILOCK_OK, try_name("job", 3, 1000, 0));
  assert_status(REDILOCK_E_HELD, try_name("app:job", 7, 1000, 0));
  give(lock);
  redilock_free(other);
}

/* ---------------------------------------------------------------- tokens */

static void only_the_exact_token_releases(void **state) {
  (void)state;
  size_t len = 0, other_len = 0;
  redilock_lock_t *lock = take(client, "job", 20000), *other = take(client, "other", 20000);
  const char *token = redilock_lock_token(lock, &len);
  const char *others = redilock_lock_token(other, &other_len);
  char *forged = strdup(token);
  for (size_t i = 0; i < len; ++i) {
    forged[i] ^= 1;
    assert_status(REDILOCK_E_NOT_OWNER,
                  redilock_release_token(client, "job", 3, forged, len, NULL, 0));
    forged[i] ^= 1;
  }
  assert_status(REDILOCK_E_NOT_OWNER, redilock_release_token(client, "job", 3, "", 0, NULL, 0));
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(client, "job", 3, token, len - 1, NULL, 0));
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(client, "job", 3, token, len + 1, NULL, 0));
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(client, "job", 3, others, other_len, NULL, 0));
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(client, "free", 4, token, len, NULL, 0));
  assert_status(REDILOCK_E_INVALID, redilock_release_token(client, "", 0, token, len, NULL, 0));
  assert_in_range(redis_integer(server, "PTTL job"), 10000, 20000);
  assert_status(REDILOCK_OK, redilock_release_token(client, "job", 3, forged, len, NULL, 0));
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(client, "job", 3, forged, len, NULL, 0));
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  free(forged);
  redilock_lock_free(lock);
  give(other);
}

static void a_foreign_value_is_no_token(void **state) {
  (void)state;
  redis_do(server, "SET job mine PX 20000");
  assert_status(REDILOCK_E_NOT_OWNER, redilock_release_token(client, "job", 3, "mine", 4, NULL, 0));
  assert_int_equal(redis_integer(server, "EXISTS job"), 1);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(acquired_it_is_a_plain_key_with_the_token),
      CASE(held_and_timeout_for_the_second),
      CASE(limits_of_ttl_and_wait),
      CASE(a_lease_of_a_millisecond_is_never_held),
      CASE(a_grant_that_comes_too_late_is_not_told_as_it_is),
      CASE(fences_rise_also_over_a_loss_of_data),
      CASE(any_bytes_are_a_name_and_no_two_share_a_key),
      CASE(limits_of_a_name),
      CASE(the_prefix_is_part_of_the_key_and_not_of_the_name),
      CASE(only_the_exact_token_releases),
      CASE(a_foreign_value_is_no_token),
  };
  return cmocka_run_group_tests_name("capi/acquire", tests, start_server, stop_server);
}
