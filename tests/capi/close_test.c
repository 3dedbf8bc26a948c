/* Closing and freeing a client while calls run on it: each call ends soon with CLOSED, each submitted
 * request has its completion, waiters are out of the queue, and no lock stays behind. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "support/async.h"
#include "support/one_server.h"
#include "support/side_keys.h"

enum { kRounds = 200, kFreed = kRounds / 5, kShort = 2, kOps = 2, kSubmitted = 4, kSoonMs = 2000 };

static uint32_t random_of(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* ---------------------------------------------------------------- calls that block */

/* A thread that acquires and releases until the client is closed. */
struct user {
  pthread_t thread;
  redilock_client_t *client;
  redilock_op_t *op; /* NULL: the short form */
  atomic_bool begun;
  int32_t status;
  int64_t ended;
  int locks;
};

static int32_t acquire_of(struct user *user, redilock_lock_t **lock) {
  if (user->op != NULL) return redilock_op_acquire(user->op, lock);
  return redilock_acquire(user->client, "lock", 4, 30000, 60000, lock, NULL, 0);
}

static void *use(void *argument) {
  struct user *user = argument;
  do {
    redilock_lock_t *lock = NULL;
    atomic_store(&user->begun, true);
    user->status = acquire_of(user, &lock);
    if (user->status == REDILOCK_OK) {
      ++user->locks;
      user->status = redilock_release(lock);
    }
    redilock_lock_free(lock);
  } while (user->status == REDILOCK_OK && user->op != NULL);
  user->ended = now_ms();
  return NULL;
}

static bool has_begun(void *user) { return atomic_load(&((struct user *)user)->begun); }

static void start_user(struct user *user, redilock_client_t *client, bool by_op) {
  memset(user, 0, sizeof *user);
  user->client = client;
  if (by_op) {
    user->op = new_op(client, "lock");
    set_options(user->op, "wait=60s");
  }
  assert_int_equal(pthread_create(&user->thread, NULL, use, user), 0);
}

static void join_user(struct user *user) {
  pthread_join(user->thread, NULL);
  redilock_op_free(user->op);
}

static bool queue_is_empty(void *unused) {
  (void)unused;
  return redis_integer(server, "ZCARD %s", queue_of("lock")) == 0;
}

static bool nobody_holds(void *unused) {
  (void)unused;
  return redis_integer(server, "EXISTS lock") == 0;
}

/* ---------------------------------------------------------------- submitted requests */

/* The completions of a closed client: one for each submitted request, and then CLOSED. */
static void take_last_completions(redilock_client_t *client, int submitted) {
  int32_t status, kind, ended = 0;
  uint64_t tag;
  for (;;) {
    assert_true(has_completions(client, soon_ms(kSoonMs)));
    const int32_t result = redilock_client_next(client, &tag, &kind, &status);
    if (result == REDILOCK_E_CLOSED) break;
    assert_status(REDILOCK_OK, result);
    if (kind == 0) continue; /* it is readable for ever */
    assert_true(status == REDILOCK_OK || status == REDILOCK_E_CLOSED);
    ++ended;
  }
  assert_int_equal(ended, submitted);
  assert_true(has_completions(client, 0));
  assert_status(REDILOCK_E_CLOSED, redilock_client_next(client, &tag, &kind, &status));
}

/* ---------------------------------------------------------------- the storm */

/* A client that is freed has 100 ms for its last requests. A busy machine may take more, seldom. */
static bool free_lock_in_time(void) {
  if (eventually(nobody_holds, NULL, 5000)) return true;
  redis_do(server, "DEL lock");
  return false;
}

static void *close_later(void *argument) {
  redilock_client_close(argument);
  return NULL;
}

/* In every second round somebody else holds the lock first. */
static void calls_end_wherever_they_are(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  uint32_t seed = 1;
  int64_t longest = 0, locks = 0, closed = 0;
  int left = 0;
  for (int round = 0; round < kRounds; ++round) {
    redilock_client_t *client = new_client(server, NULL);
    redilock_lock_t *holder = round % 2 == 0 ? take(other, "lock", 30000) : NULL;
    struct user users[kShort + kOps];
    redilock_op_t *ops[kSubmitted];
    for (int i = 0; i < kShort + kOps; ++i) start_user(&users[i], client, i >= kShort);
    for (uint64_t i = 0; i < kSubmitted; ++i)
      ops[i] = submit(client, "lock", "renew=yes&ttl=30s", i);
    for (int i = 0; i < kShort + kOps; ++i) assert_true(eventually(has_begun, &users[i], 10000));
    for (volatile uint32_t i = random_of(&seed) % 400000; i > 0; --i) {
    }
    const int64_t began = now_ms();
    const bool frees_at_once = round % 5 == 4;
    if (frees_at_once) {
      redilock_free(client);
    } else {
      pthread_t second;
      assert_int_equal(pthread_create(&second, NULL, close_later, client), 0);
      redilock_client_close(client);
      pthread_join(second, NULL);
    }
    for (int i = 0; i < kShort + kOps; ++i) {
      join_user(&users[i]);
      if (users[i].ended - began > longest) longest = users[i].ended - began;
      assert_true(users[i].status == REDILOCK_OK || users[i].status == REDILOCK_E_CLOSED);
      locks += users[i].locks;
      closed += users[i].status == REDILOCK_E_CLOSED;
    }
    if (!frees_at_once) take_last_completions(client, kSubmitted);
    assert_true(eventually(queue_is_empty, NULL, 10000));
    if (holder != NULL) give(holder);
    if (frees_at_once)
      left += free_lock_in_time() ? 0 : 1;
    else
      assert_true(eventually(nobody_holds, NULL, 10000));
    for (int i = 0; i < kSubmitted; ++i) redilock_op_free(ops[i]);
    if (!frees_at_once) redilock_free(client);
  }
  redilock_free(other);
  print_message("%d rounds: %lld locks, %lld calls closed, the last one %lld ms after the close\n",
                kRounds, (long long)locks, (long long)closed, (long long)longest);
  print_message("%d locks left to their ttl by clients that were freed\n", left);
  assert_in_range(longest, 0, soon_ms(kSoonMs));
  assert_in_range(left, 0, kFreed / 10);
  assert_true(locks > 0 && closed > kRounds);
}

/* ---------------------------------------------------------------- one thing at a time */

static void later_calls_say_closed(void **state) {
  (void)state;
  redilock_client_t *client = new_client(server, NULL);
  redilock_lock_t *lock = take(client, "lock", 30000), *none = NULL;
  redilock_lock_t *kept = take(client, "kept", 30000);
  redilock_op_t *op = new_op(client, "lock"), *late = NULL;
  redilock_info_t *info = NULL;
  int32_t fd = -1;
  redilock_client_close(client);
  redilock_client_close(client);
  redilock_client_close(NULL);
  assert_status(REDILOCK_E_CLOSED, redilock_acquire(client, "x", 1, 1000, 0, &none, NULL, 0));
  assert_status(REDILOCK_E_CLOSED, redilock_op_acquire(op, &none));
  assert_status(REDILOCK_E_CLOSED, redilock_op_submit_acquire(op, 1));
  assert_status(REDILOCK_E_CLOSED, redilock_op_info(op, &info));
  assert_status(REDILOCK_E_CLOSED, redilock_op_break(op));
  assert_status(REDILOCK_E_CLOSED, redilock_release(lock));
  assert_status(REDILOCK_E_CLOSED, redilock_extend(lock, 1000));
  assert_status(REDILOCK_E_CLOSED, redilock_release_token(client, "x", 1, "y", 1, NULL, 0));
  assert_status(REDILOCK_E_CLOSED, redilock_op_new(client, &late));
  assert_status(REDILOCK_OK, redilock_client_fd(client, &fd));
  struct pollfd ready = {fd, POLLIN, 0};
  assert_int_equal(poll(&ready, 1, 0), 1);
  assert_int_equal(redis_integer(server, "EXISTS kept"), 1); /* its lease runs out */
  assert_true(eventually(nobody_holds, NULL, 10000));        /* the release goes on */
  redilock_lock_free(kept);
  redilock_lock_free(lock);
  redilock_op_free(op);
  redilock_free(client);
}

/* Neither its completion nor its lock was taken, or the completion alone. */
static void grant_that_nobody_took_is_released(void **state) {
  (void)state;
  for (int taken = 0; taken < 2; ++taken) {
    redilock_client_t *client = new_client(server, NULL);
    redilock_op_t *op = submit(client, "lock", "ttl=60s", 7);
    redilock_lock_t *lock = NULL;
    assert_true(has_completions(client, 10000));
    if (taken) expect_completion(client, 7, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
    redilock_client_close(client);
    if (taken)
      assert_status(REDILOCK_E_CLOSED, redilock_op_take_lock(op, &lock));
    else
      assert_true(eventually(nobody_holds, NULL, 10000));
    if (!taken) expect_completion(client, 7, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_CLOSED);
    assert_null(lock);
    assert_true(eventually(nobody_holds, NULL, 10000));
    redilock_op_free(op);
    redilock_free(client);
  }
}

/* An event loop that polls edge-triggered, and takes all that there is after each event, misses
 * nothing. */
static void each_completion_of_a_closed_client_is_an_event(void **state) {
  (void)state;
  enum { kWaits = 500 };
  redilock_client_t *client = new_client(server, NULL), *other = new_client(server, NULL);
  redilock_lock_t *holder = take(other, "lock", 60000);
  redilock_op_t *ops[kWaits];
  int32_t fd = -1, result = REDILOCK_OK;
  assert_status(REDILOCK_OK, redilock_client_fd(client, &fd));
  const int epoll = epoll_create1(EPOLL_CLOEXEC), own = dup(fd);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, own, &event), 0);
  for (uint64_t i = 0; i < kWaits; ++i) ops[i] = submit(client, "lock", NULL, i);
  assert_true(wait_for_waiters(other, "lock", kWaits));
  redilock_client_close(client);
  int ended = 0;
  while (result == REDILOCK_OK) {
    uint64_t tag;
    int32_t kind, status;
    assert_int_equal(epoll_wait(epoll, &event, 1, 10000), 1);
    while ((result = redilock_client_next(client, &tag, &kind, &status)) == REDILOCK_OK &&
           kind != 0)
      ++ended;
  }
  assert_status(REDILOCK_E_CLOSED, result);
  assert_int_equal(ended, kWaits);
  close(own);
  close(epoll);
  for (int i = 0; i < kWaits; ++i) redilock_op_free(ops[i]);
  redilock_free(client);
  give(holder);
  redilock_free(other);
}

static void renewal_ends_with_the_client(void **state) {
  (void)state;
  redilock_client_t *client = new_client(server, "renew=yes");
  redilock_lock_t *lock = take(client, "lock", slow_ms(1000));
  redilock_client_close(client);
  assert_true(eventually(nobody_holds, NULL, 10000));
  assert_false(redilock_lock_is_held(lock));
  redilock_lock_free(lock);
  redilock_free(client);
}

/* A server that answers nothing any more: what was sent has no known outcome. */
static void calls_end_at_a_server_that_hangs(void **state) {
  (void)state;
  redilock_client_t *client = new_client(server, "timeout=60s"), *other = new_client(server, NULL);
  redilock_lock_t *holder = take(other, "lock", 60000), *mine = take(client, "mine", 60000);
  struct user users[2];
  for (int i = 0; i < 2; ++i) start_user(&users[i], client, i == 1);
  redilock_op_t *waiting = submit(client, "lock", NULL, 1);
  assert_true(wait_for_waiters(other, "lock", 3));
  redis_pause(server);
  redilock_op_t *releasing = new_op(client, "mine");
  assert_status(REDILOCK_OK, redilock_op_submit_release(releasing, mine, 2));
  const int64_t began = now_ms();
  redilock_client_close(client);
  for (int i = 0; i < 2; ++i) {
    join_user(&users[i]);
    assert_status(REDILOCK_E_CLOSED, users[i].status);
    assert_in_range(users[i].ended - began, 0, soon_ms(kSoonMs));
  }
  take_last_completions(client, 2);
  assert_status(REDILOCK_E_CLOSED, redilock_op_status(releasing));
  assert_in_range(now_ms() - began, 0, soon_ms(kSoonMs));
  redilock_free(client);
  redis_resume(server);
  redilock_op_free(waiting);
  redilock_op_free(releasing);
  redilock_lock_free(mine);
  give(holder);
  redilock_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_end_wherever_they_are),
      cmocka_unit_test_setup(later_calls_say_closed, empty_server),
      cmocka_unit_test_setup(grant_that_nobody_took_is_released, empty_server),
      cmocka_unit_test_setup(each_completion_of_a_closed_client_is_an_event, empty_server),
      cmocka_unit_test_setup(renewal_ends_with_the_client, empty_server),
      cmocka_unit_test_setup(calls_end_at_a_server_that_hangs, empty_server),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
