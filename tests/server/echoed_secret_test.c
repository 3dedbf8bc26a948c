/*
 * A server that repeats what it was sent as secrets, the password and user name and the id of the
 * token, as they are and in upper case, in replies of every kind to every command. No message of
 * any call has one of them.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/locks.h"
#include "support/timing.h"

static const char kPassword[] = "c4n4ryPass", kUser[] = "c4n4ryUser";
static const char kNobody[] = "redilock:0123456789abcdef0123456789abcdef:nobody";

static int hidden; /* how often a message shows that something was left out */

/* `id`: of a token, or NULL. */
static void check(const char *what, const char *reply, const char *message, const char *id) {
  const char *const secrets[] = {kPassword, kUser, "0123456789abcdef0123456789abcdef", id};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; ++i)
    if (secrets[i] != NULL && strcasestr(message, secrets[i]) != NULL)
      fail_msg("%s, %s: %s", what, reply, message);
  if (strstr(message, "***") != NULL) ++hidden;
}

static void check_op(const char *what, const char *reply, const redilock_op_t *op,
                     fake_server_t *fake) {
  char word[256], id[33] = "";
  for (int i = 0; i < 16 && id[0] == '\0'; ++i) {
    fake_server_word(fake, "EVALSHA", i, word, sizeof word);
    if (strncmp(word, kNobody, 9) == 0 && strlen(word) > 41 && word[41] == ':')
      snprintf(id, sizeof id, "%.32s", word + 9);
  }
  check(what, reply, message_of(op), id[0] == '\0' ? NULL : id);
}

static redilock_client_t *client_of(fake_server_t *fake) {
  char query[128];
  snprintf(query, sizeof query, "timeout=%dms&username=%s&password=%s", (int)soon_ms(60), kUser,
           kPassword);
  return client_at(fake_server_url(fake), query);
}

static void call_all(const char *reply, fake_server_t *fake) {
  redilock_client_t *client = client_of(fake);
  redilock_op_t *op = new_op(client, "lock");
  redilock_lock_t *lock = NULL;
  for (int wait = 0; wait < 2; ++wait) {
    redilock_op_set(op, "wait", wait ? "50ms" : "0");
    const int32_t status = redilock_op_acquire(op, &lock);
    assert_int_not_equal(status, REDILOCK_OK);
    assert_true(strlen(message_of(op)) > 0);
    check_op("acquire", reply, op, fake);
  }
  char error[1024];
  assert_int_not_equal(redilock_acquire(client, "lock", 4, 5000, 0, &lock, error, sizeof error), 0);
  check("redilock_acquire", reply, error, NULL);
  assert_int_not_equal(
      redilock_release_token(client, "lock", 4, kNobody, strlen(kNobody), error, sizeof error), 0);
  check("redilock_release_token", reply, error, NULL);
  redilock_op_set(op, "token", kNobody);
  redilock_op_extend(op, NULL);
  check_op("extend", reply, op, fake);
  redilock_op_break(op);
  check_op("break", reply, op, fake);
  redilock_info_t *info = NULL;
  if (redilock_op_info(op, &info) == REDILOCK_OK) redilock_info_free(info);
  check_op("info", reply, op, fake);
  redilock_list_t *list = NULL;
  const char *name = NULL;
  assert_int_equal(redilock_list_new(client, "*", 1, &list), REDILOCK_OK);
  (void)!redilock_list_next(list, &name, NULL);
  redilock_list_message(list, error, sizeof error);
  check("list", reply, error, NULL);
  redilock_list_free(list);
  redilock_op_reset(op);
  (void)!redilock_op_check(op);
  check_op("check", reply, op, fake);
  redilock_op_free(op);
  redilock_free(client);
}

/* A lock that was granted before the server began to repeat. */
static void keep_all(const char *reply) {
  const struct fake_step steps[] = {{"AUTH", FAKE_SEND, "+OK\r\n", 0},
                                    {"EVALSHA", FAKE_SEND, ":1700000000000000\r\n", 1},
                                    {"EVALSHA", FAKE_ECHO, reply, 0},
                                    {NULL, FAKE_SEND, NULL, 0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_of(fake);
  redilock_lock_t *lock = take(client, "lock", 60000);
  char id[33], message[1024];
  snprintf(id, sizeof id, "%.32s", redilock_lock_token(lock, NULL) + 9);
  for (int call = 0; call < 2; ++call) {
    assert_int_not_equal(call == 0 ? redilock_extend(lock, 90000) : redilock_release(lock), 0);
    redilock_lock_message(lock, message, sizeof message);
    assert_true(strlen(message) > 0);
    check("of a held lock", reply, message, id);
  }
  redilock_lock_free(lock);
  redilock_free(client);
  fake_server_stop(fake);
}

static const char *const kReplies[] = {
    "-ERR no such thing as '\1'\r\n",
    "-NOPERM \1\r\n",
    "-WRONGPASS \1\r\n",
    "-DENIED \1\r\n",
    "-LOADING \1\r\n",
    "-READONLY \1\r\n",
    "-MOVED 1 \1\r\n",
    "-ERR unknown command '\1', with args beginning with: '\1'\r\n",
    "-ERR Error running script (call to f_1): @user_script:3: -OOM \1\r\n",
    "-\1\r\n",
    "+\1\r\n",
    "\2",
    "\1",
    "*1\r\n\2",
    "*3\r\n\2\2\2",
    "*2\r\n:5000\r\n\2",
    "*2\r\n:5000\r\n\3",
    "*9\r\n:5000\r\n:2\r\n:7\r\n:1700000000000000\r\n:0\r\n:1\r\n:1\r\n:1\r\n\3",
    "*6\r\n$6\r\nserver\r\n\2$7\r\nversion\r\n\2$4\r\nmode\r\n\2",
};

static void no_message_repeats_a_secret(void **state) {
  (void)state;
  static const char *const commands[] = {"AUTH", "HELLO",     "CLIENT", "EVALSHA",
                                         "EVAL", "SUBSCRIBE", "SCAN"};
  for (size_t c = 0; c < sizeof commands / sizeof *commands; ++c)
    for (size_t r = 0; r < sizeof kReplies / sizeof *kReplies; ++r) {
      /* The first step of a word counts. A script is refused also where another command repeats. */
      const struct fake_step steps[] = {
          {commands[c], FAKE_ECHO, kReplies[r], 0},
          {"AUTH", FAKE_SEND, "+OK\r\n", 0},
          {"SUBSCRIBE", FAKE_SUBSCRIBE, NULL, 0},
          {"EVALSHA", FAKE_ECHO, "-ERR unknown command '\1'\r\n", 0},
          {NULL, FAKE_SEND, NULL, 0},
      };
      fake_server_t *fake = fake_server_start(steps);
      call_all(kReplies[r], fake);
      fake_server_stop(fake);
    }
  assert_in_range(hidden, 50, 10000);
}

static void no_message_of_a_held_lock_repeats_a_secret(void **state) {
  (void)state;
  hidden = 0;
  for (size_t r = 0; r < sizeof kReplies / sizeof *kReplies; ++r) keep_all(kReplies[r]);
  assert_in_range(hidden, 5, 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_message_repeats_a_secret),
      cmocka_unit_test(no_message_of_a_held_lock_repeats_a_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
