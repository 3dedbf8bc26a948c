// Want of memory at every single allocation of a session: each call succeeds or says so, nothing leaks,
// and nothing stays on the server for longer than its ttl. The memory fails within the library and
// within all that it calls, not for the test's own part.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_memory.hpp"
#include "support/locks.h"

using failing_memory::get;
using failing_memory::Plan;

static redis_server_t *server;

// In the first session things are made that stay.
enum { kTtlMs = 400, kSlackMs = 5000, kMost = 2000, kWarmUp = -1 };

// The test's own work: with memory, and not counted.
class Spared {
 public:
  Spared() { failing_memory::spared = true; }
  ~Spared() { failing_memory::spared = before_; }
  Spared(const Spared &) = delete;
  Spared &operator=(const Spared &) = delete;

 private:
  const bool before_ = failing_memory::spared;
};

// ---------------------------------------------------------------- the holder before

// A thread that holds a name, and releases it once somebody waits for it.
struct giver {
  redilock_client_t *client;
  char name[64];
  redilock_lock_t *lock;
  volatile int32_t given_up;  // nobody will wait
  pthread_t thread;
};

static bool has_waiter(const char *name) {
  return redis_integer(server, "ZCARD redilock:1:{}:queue:%s", name) > 0;
}

static bool may_give(void *argument) {
  auto *giver = static_cast<struct giver *>(argument);
  return __atomic_load_n(&giver->given_up, __ATOMIC_SEQ_CST) != 0 || has_waiter(giver->name);
}

static void *give_when_waited_for(void *argument) {
  const Spared spared;
  auto *giver = static_cast<struct giver *>(argument);
  eventually(may_give, giver, kSlackMs);
  give(giver->lock);
  return nullptr;
}

static void start_giver(struct giver *giver, redilock_client_t *client, const char *name) {
  const Spared spared;
  *giver = {};
  giver->client = client;
  snprintf(giver->name, sizeof giver->name, "%s", name);
  giver->lock = take(client, name, 60000);
  pthread_create(&giver->thread, nullptr, give_when_waited_for, giver);
}

static void end_giver(struct giver *giver) {
  const Spared spared;
  __atomic_store_n(&giver->given_up, 1, __ATOMIC_SEQ_CST);
  pthread_join(giver->thread, nullptr);
}

// ---------------------------------------------------------------- the session

struct session {
  redilock_client_t *others;  // with memory
  char free_name[64], held_name[64], submitted_name[64];
  redilock_options_t *options;
  redilock_client_t *client;
  redilock_op_t *op;
  redilock_lock_t *lock;
  redilock_list_t *list;
  redilock_info_t *info;
  uint64_t tag;
  int32_t kind, status;
  int32_t bad;  // the first status that may not be
  const char *bad_call;
  int calls;
};

static bool is_clean(int32_t status) {
  return status == REDILOCK_OK || status == REDILOCK_E_NO_MEMORY || status == REDILOCK_E_UNKNOWN ||
         status == REDILOCK_E_UNAVAILABLE;
}

static bool good(struct session *s, int32_t status, const char *call) {
  ++s->calls;
  if (!is_clean(status) && s->bad == 0) {
    s->bad = status;
    s->bad_call = call;
  }
  return status == REDILOCK_OK;
}
#define GOOD(call) good(s, call, #call)

static void make_client(struct session *s) {
  char error[128];
  if (GOOD(redilock_options_new(&s->options))) {
    GOOD(redilock_options_set(s->options, "label", "a label longer than short strings are", error,
                              sizeof error));
    GOOD(redilock_options_set(s->options, "timeout", "1s", error, sizeof error));
  }
  if (GOOD(redilock_new(server->url, s->options, &s->client, error, sizeof error)))
    GOOD(redilock_op_new(s->client, &s->op));
}

static void use_lock(struct session *s) {
  const int32_t held = redilock_lock_is_held(s->lock);
  GOOD(redilock_extend(s->lock, kTtlMs));
  GOOD(redilock_op_extend(s->op, s->lock));
  if (GOOD(redilock_op_info(s->op, &s->info)) && held != 0)
    GOOD(redilock_info_state(s->info) == REDILOCK_STATE_HELD ? REDILOCK_OK : REDILOCK_E_INTERNAL);
  redilock_info_free(s->info);
  s->info = nullptr;
}

static void end_lock(struct session *s) {
  if (s->lock == nullptr) return;
  int32_t status = redilock_release(s->lock);
  // Its outcome was not known: at the second time it is.
  if (status != REDILOCK_OK && GOOD(status) == false) status = redilock_release(s->lock);
  if (status != REDILOCK_E_LOST) GOOD(status);
  redilock_lock_free(s->lock);
  s->lock = nullptr;
}

static void try_free_lock(struct session *s) {
  if (!GOOD(redilock_op_set(s->op, "name", s->free_name))) return;
  if (!GOOD(redilock_op_set_int(s->op, "ttl", kTtlMs))) return;
  if (!GOOD(redilock_op_set(s->op, "wait", "0"))) return;
  if (GOOD(redilock_op_acquire(s->op, &s->lock))) use_lock(s);
  end_lock(s);
  if (GOOD(redilock_acquire(s->client, s->free_name, strlen(s->free_name), kTtlMs, 1000, &s->lock)))
    GOOD(redilock_lock_token(s->lock, nullptr) != nullptr ? REDILOCK_OK : REDILOCK_E_INTERNAL);
  end_lock(s);
}

static void wait_for_held_lock(struct session *s) {
  if (!GOOD(redilock_op_set(s->op, "name", s->held_name))) return;
  if (!GOOD(redilock_op_set(s->op, "wait", "4s"))) return;
  if (!GOOD(redilock_op_set(s->op, "renew", "yes"))) return;
  struct giver giver;
  start_giver(&giver, s->others, s->held_name);
  const int32_t status = redilock_op_acquire(s->op, &s->lock);
  end_giver(&giver);
  if (GOOD(status)) use_lock(s);
  end_lock(s);
}

static bool has_next(void *session) {
  auto *s = static_cast<struct session *>(session);
  return redilock_client_next(s->client, &s->tag, &s->kind, &s->status) == REDILOCK_OK &&
         s->kind != 0 && s->kind != REDILOCK_COMPLETION_LOSS;  // that may come in between
}

// What was submitted ends once, come what may.
static bool ends(struct session *s, int32_t kind) {
  bool came = eventually(has_next, s, kSlackMs);
  came = came && s->tag == 7 && s->kind == kind;
  if (!GOOD(came ? REDILOCK_OK : REDILOCK_E_INTERNAL)) return false;
  const bool lost = kind != REDILOCK_COMPLETION_ACQUIRE && s->status == REDILOCK_E_LOST;
  return GOOD(lost ? REDILOCK_OK : s->status);
}

static void submit_all_kinds(struct session *s) {
  if (!GOOD(redilock_op_set(s->op, "name", s->submitted_name))) return;
  if (!GOOD(redilock_op_set(s->op, "tell_loss", "yes"))) return;
  struct giver giver;
  start_giver(&giver, s->others, s->submitted_name);
  const bool submitted = GOOD(redilock_op_submit_acquire(s->op, 7));
  const bool granted = submitted && ends(s, REDILOCK_COMPLETION_ACQUIRE);
  end_giver(&giver);
  if (granted && GOOD(redilock_op_take_lock(s->op, &s->lock))) {
    if (GOOD(redilock_op_submit_extend(s->op, s->lock, 7))) ends(s, REDILOCK_COMPLETION_EXTEND);
    if (GOOD(redilock_op_submit_release(s->op, s->lock, 7))) ends(s, REDILOCK_COMPLETION_RELEASE);
    redilock_lock_free(s->lock);
    s->lock = nullptr;
  }
  redilock_op_reset(s->op);
}

static void list_names(struct session *s) {
  const char *name = "";
  if (!GOOD(redilock_op_set(s->op, "name", "session:*"))) return;
  if (!GOOD(redilock_op_list(s->op, &s->list))) return;
  while (name != nullptr && GOOD(redilock_list_next(s->list, &name, nullptr))) {
  }
  redilock_list_free(s->list);
  s->list = nullptr;
}

static void run(struct session *s) {
  make_client(s);
  if (s->op == nullptr) return;
  try_free_lock(s);
  wait_for_held_lock(s);
  submit_all_kinds(s);
  list_names(s);
  GOOD(redilock_release_token(s->client, "session", 7, "no token", 8) == REDILOCK_E_NOT_OWNER
           ? REDILOCK_OK
           : REDILOCK_E_NO_MEMORY);
}

static bool nothing_is_left(void *argument) {
  const auto *s = static_cast<const struct session *>(argument);
  return redis_integer(server, "EXISTS %s %s %s", s->free_name, s->held_name, s->submitted_name) ==
             0 &&
         !has_waiter(s->free_name) && !has_waiter(s->held_name) && !has_waiter(s->submitted_name);
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
  snprintf(session.free_name, sizeof session.free_name, "session:free:%ld", n);
  snprintf(session.submitted_name, sizeof session.submitted_name, "session:submitted:%ld", n);
  snprintf(session.held_name, sizeof session.held_name, "session:held:%ld", n);
  const long before = get(failing_memory::live);

  failing_memory::start(plan, n);
  run(&session);
  failing_memory::stop();
  const long refused = get(failing_memory::refused);

  bool gone;
  {
    const Spared spared;
    gone = eventually(nothing_is_left, &session, kTtlMs + kSlackMs);
  }
  end(&session);
  const long leaked = LEAKS_ARE_COUNTED ? get(failing_memory::live) - before : 0;
  if (session.bad != 0)
    print_error("%s is %s where allocation %ld fails\n", session.bad_call,
                redilock_status_name(session.bad), n);
  if (!gone) print_error("something is left on the server where allocation %ld fails\n", n);
  if (leaked != 0 && n != kWarmUp)
    print_error("%ld allocations leak where allocation %ld fails\n", leaked, n);
  assert_true(gone && session.bad == 0 && (leaked == 0 || n == kWarmUp));
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
  assert_in_range(n, 100, kMost - 1);
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

static bool memory_fails() {
  failing_memory::start(Plan::kOnce, 1);
  void *volatile memory = malloc(1);
  failing_memory::stop();
  const bool fails = memory == nullptr;
  free(memory);
  return fails;
}

int main() {
  if (!MEMORY_CAN_FAIL || !memory_fails()) {
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
