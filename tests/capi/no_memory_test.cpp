// Want of memory at every single allocation of a session: each call succeeds or says so, nothing leaks,
// and nothing stays on the server for longer than its ttl. The memory fails within the library and
// within all that it calls, not for the test's own part.
#include "no_memory_session.hpp"

// What a session asks for in all, at least and at most.
enum { kLeast = 300, kMost = 2000 };

// ---------------------------------------------------------------- sessions

static bool nothing_is_left(void *argument) {
  const auto *s = static_cast<const struct session *>(argument);
  for (const char *name : s->names)
    if (redis_integer(server, "EXISTS %s", name) != 0 || has_waiter(name)) return false;
  return true;
}

// The same but for the place of a waiter that was told UNKNOWN: with no memory at all, nothing can be
// begun that gives it up later.
static bool no_lock_is_left(void *argument) {
  const auto *s = static_cast<const struct session *>(argument);
  for (const char *name : s->names) {
    const bool waits = has_waiter(name) && name != s->names[kCancelled];
    if (redis_integer(server, "EXISTS %s", name) != 0 || waits) return false;
  }
  return true;
}

static bool nobody_listens(void *) {
  redisReply *channels = redis_command(server, "PUBSUB CHANNELS");
  const bool none = channels->elements == 0;
  freeReplyObject(channels);
  return none;
}

// What a client leaves behind is gone with the next use of the name, once the client is.
static bool place_goes_with_the_client(redilock_client_t *others, const char *name) {
  const Spared spared;
  if (!eventually(nobody_listens, nullptr, kSlackMs)) return false;
  give(take(others, name, 1000));
  return redis_integer(server, "EXISTS %s", name) == 0 && !has_waiter(name);
}

static void end(struct session *s) {
  redilock_op_free(s->op);
  redilock_free(s->client);
  redilock_options_free(s->options);
}

// One session in which memory fails as planned. Returns whether it did.
static bool fails_cleanly(redilock_client_t *others, Plan plan, long n) {
  struct session session = {};
  session.others = others;
  for (int i = 0; i < kNames; ++i)
    snprintf(session.names[i], sizeof session.names[i], "session:%d:%ld:part:%d",
             static_cast<int>(plan), n, i);
  const long before = get(failing_memory::live);

  failing_memory::start(plan, n);
  run(&session);
  failing_memory::stop();
  const long refused = get(failing_memory::refused);

  bool gone;
  {
    const Spared spared;
    gone = eventually(plan == Plan::kFrom ? no_lock_is_left : nothing_is_left, &session,
                      kTtlMs + kSlackMs);
  }
  end(&session);
  const long leaked = LEAKS_ARE_COUNTED ? get(failing_memory::live) - before : 0;
  gone = gone && place_goes_with_the_client(others, session.names[kCancelled]);
  if (session.bad != 0)
    print_error("%s is %s where allocation %ld fails\n", session.bad_call,
                redilock_status_name(session.bad), n);
  if (session.failed != 0 && plan == Plan::kNone) print_error("calls fail with all memory\n");
  if (!gone) print_error("something is left on the server where allocation %ld fails\n", n);
  if (leaked != 0 && n != kWarmUp)
    print_error("%ld allocations leak where allocation %ld fails\n", leaked, n);
  assert_true(gone && session.bad == 0 && (leaked == 0 || n == kWarmUp));
  assert_true(session.failed == 0 || plan != Plan::kNone);
  return refused > 0;
}

// From one n to the next a `stride`-th of it is left out: where many fail, neighbours tell no news.
static void every_allocation(Plan plan, long stride) {
  redilock_client_t *others = new_client(server, nullptr);
  give(take(others, "warm", 1000));
  assert_false(fails_cleanly(others, Plan::kNone, kWarmUp));
  assert_false(fails_cleanly(others, Plan::kNone, 0));
  long n = 1;
  while (n < kMost && fails_cleanly(others, plan, n)) n += 1 + n / stride;
  assert_in_range(n, kLeast, kMost - 1);
  print_message("fewer than %ld allocations in a session\n", n);
  redilock_free(others);
}

static void one_allocation_fails(void **) { every_allocation(Plan::kOnce, kMost); }
static void all_fail_from_one_on(void **) { every_allocation(Plan::kFrom, 8); }
static void every_so_many_fail(void **) { every_allocation(Plan::kEvery, 8); }

// ---------------------------------------------------------------- the service thread

static int64_t remaining_before;

static bool was_renewed(void *lock) {
  const int64_t now = redilock_lock_remaining_ms(static_cast<redilock_lock_t *>(lock));
  const bool more = now > remaining_before;
  remaining_before = now;
  return more;
}

static bool has_refused(void *) { return get(failing_memory::refused) >= 3; }

static redilock_lock_t *take_renewed(redilock_client_t *client, const char *name) {
  redilock_op_t *op = new_op(client, name);
  redilock_lock_t *lock = nullptr;
  assert_status(REDILOCK_OK, redilock_op_set(op, "renew", "yes"));
  assert_status(REDILOCK_OK, redilock_op_set(op, "ttl", "1s"));
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  redilock_op_free(op);
  remaining_before = redilock_lock_remaining_ms(lock);
  return lock;
}

static void one_failure_loses_no_renewal(void **) {
  redilock_client_t *client = new_client(server, nullptr);
  bool failed = true;
  for (long n = 1; failed && n < 100; ++n) {
    redilock_lock_t *lock = take_renewed(client, "renewed");
    failing_memory::start(Plan::kOnce, n);
    const bool renewed = eventually(was_renewed, lock, 10000);
    failing_memory::stop();
    failed = get(failing_memory::refused) > 0;
    assert_true(renewed && redilock_lock_is_held(lock) == 1);
    give(lock);
  }
  assert_false(failed);
  redilock_free(client);
}

static void renewal_goes_on_when_memory_is_back(void **) {
  redilock_client_t *client = new_client(server, nullptr);
  redilock_lock_t *lock = take_renewed(client, "renewed");
  failing_memory::start(Plan::kFrom, 1);
  const bool refused = eventually(has_refused, nullptr, 10000);
  failing_memory::stop();
  assert_true(refused && redilock_lock_is_held(lock) == 1);
  assert_true(eventually(was_renewed, lock, 10000));
  give(lock);
  redilock_free(client);
}

// ---------------------------------------------------------------- main

static int start(void **) {
  server = redis_start(nullptr);
  // A list that is longer than what a reader of replies keeps room for.
  for (int i = 0; i < 20; ++i) redis_do(server, "SET session:%01000d redilock:%032d:a", i, i);
  return 0;
}

static int stop(void **) {
  redis_stop(server);
  return 0;
}

int main() {
  if (!failing_memory::works()) {
    puts("skipped: memory cannot be made to fail here");
    return 77;
  }
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_allocation_fails),
      cmocka_unit_test(all_fail_from_one_on),
      cmocka_unit_test(every_so_many_fail),
      cmocka_unit_test(one_failure_loses_no_renewal),
      cmocka_unit_test(renewal_goes_on_when_memory_is_back),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
