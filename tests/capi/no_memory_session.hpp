// One session of the whole C API, for a test in which memory fails meanwhile: each call succeeds or says
// so, and what it asks to be told is right. Include it in one file of a program.
#pragma once

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_memory.hpp"
#include "support/locks.h"
#include "support/side_keys.h"

using failing_memory::get;
using failing_memory::Plan;

static redis_server_t *server;

// In the first session things are made that stay.
enum { kTtlMs = 400, kSlackMs = 5000, kWarmUp = -1 };

#define LABEL "a label longer than short strings are"

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
  const Spared spared;
  return redis_integer(server, "ZCARD %s", queue_of(name)) > 0;
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

// A lock for each part of it.
enum { kFree, kHeld, kSubmitted, kCancelled, kWatched, kNames };

struct session {
  redilock_client_t *others;  // with memory
  char names[kNames][64];
  redilock_options_t *options;
  redilock_client_t *client;
  redilock_op_t *op;
  redilock_lock_t *lock;
  redilock_list_t *list;
  redilock_info_t *info;
  bool labelled;
  int32_t fd;
  uint64_t tag;
  int32_t kind, status;  // of the completion that came; kind 0 for none
  int32_t bad;           // the first status that may not be
  const char *bad_call;
  int failed;  // how many calls
};

static bool is_clean(int32_t status) {
  return status == REDILOCK_OK || status == REDILOCK_E_NO_MEMORY || status == REDILOCK_E_UNKNOWN ||
         status == REDILOCK_E_UNAVAILABLE;
}

static bool good(struct session *s, int32_t status, const char *call) {
  s->failed += status != REDILOCK_OK;
  if (!is_clean(status) && s->bad == 0) {
    s->bad = status;
    s->bad_call = call;
  }
  return status == REDILOCK_OK;
}
#define GOOD(call) good(s, call, #call)
// What is told of something that is there.
#define TELLS(condition) good(s, (condition) ? REDILOCK_OK : REDILOCK_E_INTERNAL, #condition)

static bool is_text(const char *text, const char *expected) {
  return text != nullptr && strcmp(text, expected) == 0;
}

static bool name_it(struct session *s, int name) {
  const char *const text = s->names[name];
  return GOOD(redilock_op_set_bytes(s->op, "name", text, strlen(text)));
}

static void make_client(struct session *s) {
  char error[128];
  if (GOOD(redilock_options_new(&s->options))) {
    s->labelled = GOOD(redilock_options_set(s->options, "label", LABEL, error, sizeof error));
    GOOD(redilock_options_set(s->options, "timeout", "1s", error, sizeof error));
    GOOD(redilock_options_set(s->options, "log", "4", error, sizeof error));
    GOOD(redilock_options_set(s->options, "log_notify", "yes", error, sizeof error));
  }
  if (GOOD(redilock_new(server->url, s->options, &s->client, error, sizeof error)))
    GOOD(redilock_op_new(s->client, &s->op));
}

static void use_lock(struct session *s) {
  const int32_t held = redilock_lock_is_held(s->lock);
  GOOD(redilock_extend(s->lock, kTtlMs));
  GOOD(redilock_op_extend(s->op, s->lock));
  if (GOOD(redilock_op_info(s->op, &s->info)) && held != 0) {
    TELLS(redilock_info_state(s->info) == REDILOCK_STATE_HELD);
    TELLS(!s->labelled || is_text(redilock_info_label(s->info), LABEL));
  }
  redilock_info_free(s->info);
  s->info = nullptr;
}

static int32_t release(struct session *s, bool by_op) {
  return by_op ? redilock_op_release(s->op, s->lock) : redilock_release(s->lock);
}

static void end_lock(struct session *s, bool by_op) {
  if (s->lock == nullptr) return;
  int32_t status = release(s, by_op);
  // Its outcome was not known: at the second time it is.
  if (status != REDILOCK_OK && GOOD(status) == false) status = release(s, by_op);
  if (status != REDILOCK_E_LOST) GOOD(status);
  redilock_lock_free(s->lock);
  s->lock = nullptr;
}

static void try_free_lock(struct session *s) {
  const char *const name = s->names[kFree];
  if (!name_it(s, kFree)) return;
  if (!GOOD(redilock_op_set_int(s->op, "ttl", kTtlMs))) return;
  if (!GOOD(redilock_op_set(s->op, "wait", "0"))) return;
  if (GOOD(redilock_op_acquire(s->op, &s->lock))) use_lock(s);
  end_lock(s, true);
  if (GOOD(redilock_acquire(s->client, name, strlen(name), kTtlMs, 1000, &s->lock, nullptr, 0))) {
    TELLS(redilock_lock_token(s->lock, nullptr) != nullptr);
    TELLS(is_text(redilock_lock_name(s->lock, nullptr), name));
  }
  end_lock(s, false);
}

static void wait_for_held_lock(struct session *s) {
  if (!name_it(s, kHeld)) return;
  if (!GOOD(redilock_op_set(s->op, "wait", "4s"))) return;
  if (!GOOD(redilock_op_set(s->op, "renew", "yes"))) return;
  struct giver giver;
  start_giver(&giver, s->others, s->names[kHeld]);
  const int32_t status = redilock_op_acquire(s->op, &s->lock);
  end_giver(&giver);
  if (GOOD(status)) use_lock(s);
  end_lock(s, false);
}

// Whether a completion came, unless of a loss or of the log: those may come in between.
static bool has_next(void *session) {
  auto *s = static_cast<struct session *>(session);
  if (s->kind != 0) return true;
  const int32_t status = redilock_client_next(s->client, &s->tag, &s->kind, &s->status);
  if (status != REDILOCK_OK || s->kind == REDILOCK_COMPLETION_LOSS ||
      s->kind == REDILOCK_COMPLETION_LOG)
    s->kind = 0;
  return s->kind != 0;
}

// What was submitted ends once, come what may.
static bool ends(struct session *s, int32_t kind, int32_t also) {
  const bool came = eventually(has_next, s, kSlackMs) && s->tag == 7 && s->kind == kind;
  s->kind = 0;
  return TELLS(came) && GOOD(s->status == also ? REDILOCK_OK : s->status);
}

static void submit_all_kinds(struct session *s) {
  if (!name_it(s, kSubmitted)) return;
  GOOD(redilock_client_fd(s->client, &s->fd));
  struct giver giver;
  start_giver(&giver, s->others, s->names[kSubmitted]);
  const bool submitted = GOOD(redilock_op_submit_acquire(s->op, 7));
  const bool granted = submitted && ends(s, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  end_giver(&giver);
  if (granted && GOOD(redilock_op_take_lock(s->op, &s->lock))) {
    GOOD(redilock_lock_watch(s->lock, 7));
    if (GOOD(redilock_op_submit_extend(s->op, s->lock, 7)))
      ends(s, REDILOCK_COMPLETION_EXTEND, REDILOCK_E_LOST);
    if (GOOD(redilock_op_submit_release(s->op, s->lock, 7)))
      ends(s, REDILOCK_COMPLETION_RELEASE, REDILOCK_E_LOST);
    redilock_lock_free(s->lock);
    s->lock = nullptr;
  }
  redilock_op_reset(s->op);
}

// Has somebody hold a name whom nothing is known of but the label "other".
static void let_other_hold(const char *name) {
  const Spared spared;
  redis_do(server, "SET %s redilock:%032d:other", name, 1);
}

static bool waits_or_ended(void *session) {
  return has_waiter(static_cast<struct session *>(session)->names[kCancelled]) || has_next(session);
}

// Before the call begins, and while what was submitted waits.
static void cancel_acquires(struct session *s) {
  const char *const name = s->names[kCancelled];
  if (!name_it(s, kCancelled)) return;
  // The place in the queue is given up as often as it fails, for one ttl: until there is memory.
  if (!GOOD(redilock_op_set(s->op, "ttl", "1m"))) return;
  let_other_hold(name);
  redilock_op_cancel(s->op);
  const int32_t status = redilock_op_acquire(s->op, &s->lock);
  TELLS(status != REDILOCK_OK);
  GOOD(status == REDILOCK_E_CANCELLED ? REDILOCK_OK : status);
  redilock_op_reset(s->op);
  if (GOOD(redilock_op_submit_acquire(s->op, 7))) {
    TELLS(eventually(waits_or_ended, s, kSlackMs));
    redilock_op_cancel(s->op);
    ends(s, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_CANCELLED);
  }
  redilock_op_reset(s->op);
  const Spared spared;
  redis_do(server, "DEL %s", name);
}

// Has somebody wait who is long dead, by the label "late".
static void let_dead_wait(const char *name) {
  const Spared spared;
  char member[128];
  snprintf(member, sizeof member, "1000 redilock:1:{}:wake:x redilock:%032d:late", 2);
  redis_do(server, "ZADD %s 1 %s", queue_of(name), member);
}

// A lock that is held and waited for.
static void break_held_lock(struct session *s) {
  const char *const name = s->names[kWatched];
  if (!name_it(s, kWatched)) return;
  let_other_hold(name);
  let_dead_wait(name);
  if (GOOD(redilock_op_info(s->op, &s->info))) {
    TELLS(redilock_info_state(s->info) == REDILOCK_STATE_HELD);
    TELLS(is_text(redilock_info_label(s->info), "other"));
    TELLS(redilock_info_waiters(s->info) == 1);
    TELLS(is_text(redilock_info_waiter_label(s->info, 0), "late"));
    TELLS(redilock_info_waiter_label(s->info, 1) == nullptr);
  }
  redilock_info_free(s->info);
  s->info = nullptr;
  const bool broken = GOOD(redilock_op_break(s->op));
  const Spared spared;
  if (broken) TELLS(redis_integer(server, "EXISTS %s", name) == 0 && !has_waiter(name));
  redis_do(server, "DEL %s %s", name, queue_of(name));
}

static void read_log(struct session *s) {
  int32_t level = 1;
  int64_t time_ms;
  char text[REDILOCK_LOG_LINE_MAX + 1];
  while (level != 0 && GOOD(redilock_client_log(s->client, &level, &time_ms, text, sizeof text))) {
  }
}

static void list_names(struct session *s) {
  const char *name = "";
  if (!GOOD(redilock_list_new(s->client, "session:*", 9, &s->list))) return;
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
  cancel_acquires(s);
  break_held_lock(s);
  list_names(s);
  read_log(s);
  GOOD(redilock_op_check(s->op));
  GOOD(redilock_release_token(s->client, "session", 7, "no token", 8, nullptr, 0) ==
               REDILOCK_E_NOT_OWNER
           ? REDILOCK_OK
           : REDILOCK_E_NO_MEMORY);
}
