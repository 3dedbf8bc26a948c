/*
 * What the messages of redilock.h say: the lock, what failed, on which server and why; who holds the
 * lock, for how long and how many are ahead; and why a lock was lost.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/attempt.h"
#include "support/one_server.h"

static redilock_client_t *client, *other;
static char error[512];

static int make_clients(void **state) {
  empty_server(state);
  client = new_client(server, "label=web1/1&timeout=5s");
  other = new_client(server, "label=host-b/77");
  return 0;
}

static int drop_clients(void **state) {
  (void)state;
  redilock_free(client);
  redilock_free(other);
  return 0;
}

static void check_matches(const char *message, const char *pattern, const char *file, int line) {
  regex_t regex;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) abort();
  const int outcome = regexec(&regex, message, 0, NULL, 0);
  regfree(&regex);
  if (outcome == 0) return;
  print_error("\"%s\" is not \"%s\"\n", message, pattern);
  _fail(file, line);
}
#define assert_matches(message, pattern) check_matches(message, pattern, __FILE__, __LINE__)

static const char *lock_message(const redilock_lock_t *lock) {
  static char text[512];
  redilock_lock_message(lock, text, sizeof text);
  return text;
}

struct expected_message {
  const redilock_lock_t *lock;
  const char *text;
};

static bool lock_says(void *context) {
  const struct expected_message *expected = context;
  return strcmp(lock_message(expected->lock), expected->text) == 0;
}

/* The client's thread finds out some of it. */
static void await_message(const redilock_lock_t *lock, const char *text) {
  struct expected_message expected = {lock, text};
  if (!eventually(lock_says, &expected, 10000))
    fail_msg("\"%s\" does not become \"%s\"", lock_message(lock), text);
}

static const char *try_lock(void) {
  redilock_lock_t *none = NULL;
  assert_status(REDILOCK_E_HELD,
                redilock_acquire(client, "job", 3, 5000, 0, &none, error, sizeof error));
  return error;
}

/* ---------------------------------------------------------------- refusals */

static void try_names_the_holder(void **state) {
  (void)state;
  redilock_lock_t *lock = take(other, "job", 20000);
  assert_matches(try_lock(), "^lock \"job\": held by host-b/77 for another (20|19[.0-9]*)s$");
  redilock_op_t *op = new_op(client, "job");
  redilock_lock_t *none = NULL;
  set_options(op, "wait=0");
  assert_status(REDILOCK_E_HELD, redilock_op_acquire(op, &none));
  assert_matches(message_of(op), "^lock \"job\": held by host-b/77 for another (20|19[.0-9]*)s$");
  assert_int_equal(redilock_op_retriable(op), 1);
  redilock_op_free(op);
  give(lock);
}

static void try_names_other_holders(void **state) {
  (void)state;
  redis_do(server, "SET job uuid");
  assert_string_equal(try_lock(), "lock \"job\": held by a foreign client without an end");
  redis_do(server, "SET job redilock:rest PX 60000");
  assert_matches(try_lock(), "^lock \"job\": at rest for another (1m|59[.0-9]*s)$");
}

static void wait_says_what_it_waited_for(void **state) {
  (void)state;
  redilock_lock_t *lock = take(other, "job", 20000), *none = NULL;
  waiter_t *ahead = start_waiter(other, "job", "wait=20s");
  assert_status(REDILOCK_E_TIMEOUT,
                redilock_acquire(client, "job", 3, 5000, 200, &none, error, sizeof error));
  const char *const pattern =
      "^lock \"job\": not granted within 200ms: held by host-b/77 for another (20|1[0-9.]*)s, 1 "
      "ahead in the queue$";
  assert_matches(error, pattern);
  redilock_op_t *op = submit(client, "job", "wait=200ms", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_TIMEOUT);
  assert_matches(message_of(op), pattern);
  assert_int_equal(redilock_op_retriable(op), 1);
  redilock_op_free(op);
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(ahead));
  free_waiter(ahead);
}

static void cancelled_wait_says_what_it_waited_for(void **state) {
  (void)state;
  redilock_lock_t *lock = take(other, "job", 20000);
  waiter_t *waiter = start_waiter(client, "job", "wait=20s");
  redilock_op_cancel(waiter->op);
  assert_status(REDILOCK_E_CANCELLED, join_waiter(waiter));
  assert_matches(message_of(waiter->op),
                 "^lock \"job\": the operation was cancelled: held by host-b/77 for another "
                 "(20|1[0-9.]*)s, next in the queue$");
  free_waiter(waiter);
  give(lock);
}

static void long_and_odd_names_are_made_fit(void **state) {
  (void)state;
  redilock_lock_t *none = NULL;
  char name[600];
  memset(name, 'n', sizeof name);
  name[0] = '\n';
  redis_do(server, "SET %b uuid", name, sizeof name);
  assert_status(REDILOCK_E_HELD,
                redilock_acquire(client, name, sizeof name, 5000, 0, &none, error, sizeof error));
  assert_string_equal(error,
                      "lock \"?nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...\": held by a foreign "
                      "client without an end");
}

/* ---------------------------------------------------------------- failures */

static void failure_names_lock_server_and_cause(void **state) {
  (void)state;
  redilock_client_t *lost = client_at("redis://127.0.0.1:1", "timeout=300ms");
  redilock_lock_t *none = NULL;
  const char *const refused = "cannot connect to 127.0.0.1:1: Connection refused";
  char expected[300];
  assert_status(REDILOCK_E_UNAVAILABLE,
                redilock_acquire(lost, "job", 3, 5000, 0, &none, error, sizeof error));
  snprintf(expected, sizeof expected, "lock \"job\": cannot acquire: %s", refused);
  assert_string_equal(error, expected);
  assert_status(REDILOCK_E_NOT_OWNER,
                redilock_release_token(lost, "job", 3, "no token", 8, error, sizeof error));
  assert_string_equal(error, "lock \"job\": cannot release: the token does not hold it");
  const char *token = "redilock:0123456789abcdef0123456789abcdef:x";
  assert_status(REDILOCK_E_UNAVAILABLE,
                redilock_release_token(lost, "job", 3, token, strlen(token), error, sizeof error));
  snprintf(expected, sizeof expected, "lock \"job\": cannot release: %s", refused);
  assert_string_equal(error, expected);
  redilock_op_t *op = new_op(lost, "job");
  redilock_info_t *info = NULL;
  assert_status(REDILOCK_E_UNAVAILABLE, redilock_op_info(op, &info));
  snprintf(expected, sizeof expected, "lock \"job\": cannot look up: %s", refused);
  assert_string_equal(message_of(op), expected);
  redilock_op_free(op);
  op = submit(lost, "job", "wait=0", 7);
  expect_completion(lost, 7, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_UNAVAILABLE);
  snprintf(expected, sizeof expected, "lock \"job\": cannot acquire: %s", refused);
  assert_string_equal(message_of(op), expected);
  redilock_op_free(op);
  op = submit(lost, "job", "wait=5s", 8);
  expect_completion(lost, 8, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_E_UNAVAILABLE);
  assert_matches(message_of(op),
                 "^lock \"job\": cannot acquire: cannot subscribe within [0-9]+ms: cannot connect "
                 "to 127.0.0.1:1: Connection refused$");
  redilock_op_free(op);
  redilock_free(lost);
}

static void words_of_the_server_come_with_its_address(void **state) {
  (void)state;
  redis_do(server, "LPUSH job x");
  redilock_lock_t *none = NULL;
  char expected[300];
  assert_status(REDILOCK_E_SERVER,
                redilock_acquire(client, "job", 3, 5000, 0, &none, error, sizeof error));
  snprintf(expected, sizeof expected,
           "lock \"job\": cannot acquire: %s: the server says: WRONGTYPE ", server->socket);
  assert_memory_equal(error, expected, strlen(expected));
}

static void wrong_arguments_are_named_alone(void **state) {
  (void)state;
  redilock_lock_t *none = NULL;
  assert_status(REDILOCK_E_INVALID,
                redilock_acquire(client, "", 0, 5000, 0, &none, error, sizeof error));
  assert_string_equal(error, "name: is empty");
  assert_status(REDILOCK_E_INVALID,
                redilock_acquire(client, "job", 3, 5000, 0, NULL, error, sizeof error));
  assert_string_equal(error, "out is missing");
}

static void success_leaves_an_empty_message(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK,
                redilock_acquire(client, "job", 3, 5000, 0, &lock, error, sizeof error));
  assert_string_equal(error, "");
  assert_string_equal(lock_message(lock), "");
  assert_status(REDILOCK_OK, redilock_release(lock));
  assert_string_equal(lock_message(lock), "");
  assert_status(REDILOCK_E_NOT_OWNER, redilock_release(lock));
  redilock_lock_free(lock);
}

/* ---------------------------------------------------------------- losses */

static void break_lock(void) {
  redilock_op_t *op = new_op(other, "job");
  assert_status(REDILOCK_OK, redilock_op_break(op));
  redilock_op_free(op);
}

static void lost_lock_names_who_took_it(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  break_lock();
  redilock_lock_t *taken = take(other, "job", 20000);
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 20000));
  await_message(lock, "lock \"job\": lost: taken away: now held by host-b/77");
  redilock_op_t *op = new_op(client, "job");
  assert_status(REDILOCK_E_LOST, redilock_op_extend(op, lock));
  assert_string_equal(
      message_of(op),
      "lock \"job\": cannot extend: it was lost: taken away: now held by host-b/77");
  redilock_op_free(op);
  redilock_lock_free(lock);
  give(taken);
}

static void renewal_finds_who_took_the_lock(void **state) {
  (void)state;
  redilock_op_t *op = submit(client, "job", "renew=yes&ttl=3s", 3);
  expect_completion(client, 3, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *lock = lock_of(op);
  assert_status(REDILOCK_OK, redilock_lock_watch(lock, 3));
  redis_do(server, "SET job uuid");
  expect_completion(client, 3, REDILOCK_COMPLETION_LOSS, REDILOCK_E_LOST);
  await_message(lock, "lock \"job\": lost: taken away: now held by a foreign client");
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void release_of_a_lost_lock_says_so(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  break_lock();
  redilock_op_t *op = new_op(client, NULL);
  assert_status(REDILOCK_E_LOST, redilock_op_release(op, lock));
  assert_string_equal(message_of(op),
                      "lock \"job\": cannot release: it was lost: taken away or expired");
  assert_string_equal(lock_message(lock), "lock \"job\": lost: taken away or expired");
  redilock_op_free(op);
  redilock_lock_free(lock);
}

static void lease_that_ended_says_so(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 50);
  await_message(lock, "lock \"job\": lost: its lease of 50ms has ended");
  redilock_lock_free(lock);
}

static void lease_over_max_hold_says_so(void **state) {
  (void)state;
  redilock_op_t *op = new_op(client, "job");
  redilock_lock_t *lock = NULL;
  set_options(op, "renew=yes&ttl=1500ms&max_hold=2s");
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  await_message(lock, "lock \"job\": lost: max_hold of 2s is over");
  redilock_lock_free(lock);
  redilock_op_free(op);
}

static void lease_that_is_not_renewed_says_why(void **state) {
  (void)state;
  redis_server_t *own = redis_start(NULL);
  redilock_client_t *mine = new_client(own, "timeout=100ms");
  redilock_op_t *op = new_op(mine, "job");
  redilock_lock_t *lock = NULL;
  set_options(op, "renew=yes&ttl=2s");
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  char expected[300];
  snprintf(
      expected, sizeof expected,
      "lock \"job\": lost: not renewed for 2s: cannot connect to %s: No such file or directory",
      own->socket);
  redis_stop(own);
  await_message(lock, expected);
  assert_status(REDILOCK_E_LOST, redilock_op_extend(op, lock));
  redilock_lock_free(lock);
  redilock_op_free(op);
  redilock_free(mine);
}

/* The request itself goes on until `timeout`; a server that is back answers it, and the message goes. */
static void renewal_that_fails_says_why_while_the_lock_is_held(void **state) {
  (void)state;
  redis_server_t *own = redis_start(NULL);
  redilock_client_t *mine = new_client(own, "timeout=1h");
  redilock_op_t *op = new_op(mine, "job");
  redilock_lock_t *lock = NULL;
  set_options(op, "renew=yes&ttl=10s");
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  char expected[300];
  snprintf(expected, sizeof expected,
           "lock \"job\": cannot renew: cannot connect to %s: No such file or directory",
           own->socket);
  redis_stop(own);
  await_message(lock, expected);
  assert_int_equal(redilock_lock_is_held(lock), 1);
  redilock_lock_free(lock);
  redilock_op_free(op);
  redilock_free(mine);
}

static void failed_release_is_remembered(void **state) {
  (void)state;
  redilock_lock_t *lock = take(client, "job", 20000);
  redis_do(server, "DEL job");
  redis_do(server, "LPUSH job x");
  assert_status(REDILOCK_E_SERVER, redilock_release(lock));
  char expected[300];
  snprintf(expected, sizeof expected,
           "lock \"job\": cannot release: %s: the server says: WRONGTYPE ", server->socket);
  assert_memory_equal(lock_message(lock), expected, strlen(expected));
  const size_t length = redilock_lock_message(lock, NULL, 0);
  assert_int_equal(length, strlen(lock_message(lock)));
  char small[10];
  assert_int_equal(redilock_lock_message(lock, small, sizeof small), length);
  assert_string_equal(small, "lock \"job");
  redilock_lock_free(lock);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_clients, drop_clients)
  const struct CMUnitTest tests[] = {
      CASE(try_names_the_holder),
      CASE(try_names_other_holders),
      CASE(wait_says_what_it_waited_for),
      CASE(cancelled_wait_says_what_it_waited_for),
      CASE(long_and_odd_names_are_made_fit),
      CASE(failure_names_lock_server_and_cause),
      CASE(words_of_the_server_come_with_its_address),
      CASE(wrong_arguments_are_named_alone),
      CASE(success_leaves_an_empty_message),
      CASE(lost_lock_names_who_took_it),
      CASE(renewal_finds_who_took_the_lock),
      CASE(release_of_a_lost_lock_says_so),
      CASE(lease_that_ended_says_so),
      CASE(lease_over_max_hold_says_so),
      CASE(lease_that_is_not_renewed_says_why),
      CASE(renewal_that_fails_says_why_while_the_lock_is_held),
      CASE(failed_release_is_remembered),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
