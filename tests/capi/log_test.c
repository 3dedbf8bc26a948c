/* The log of a client: a line for each event, the ring, the completion that says that lines wait, and no
 * secret in any of them. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/async.h"
#include "support/needs.h"
#include "support/one_client.h"
#include "support/proxy.h"
#include "support/side_keys.h"

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=2s&log=100");
}

static char all_lines[1 << 15];
static size_t used;

/* Adds the lines that wait to all_lines, as "2 text\n". */
static void read_log(void) {
  int32_t level = 1;
  int64_t time_ms;
  char text[REDILOCK_LOG_LINE_MAX + 1];
  for (;;) {
    assert_status(REDILOCK_OK, redilock_client_log(client, &level, &time_ms, text, sizeof text));
    if (level == 0) return;
    assert_in_range(level, REDILOCK_LOG_ERROR, REDILOCK_LOG_INFO);
    used +=
        (size_t)snprintf(all_lines + used, sizeof all_lines - used, "%d %s\n", (int)level, text);
  }
}

static int forget_lines(void **state) {
  used = 0;
  all_lines[0] = '\0';
  return make_client(state);
}

static bool has_line(void *pattern) {
  regex_t regex;
  read_log();
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0) abort();
  const int outcome = regexec(&regex, all_lines, 0, NULL, 0);
  regfree(&regex);
  return outcome == 0;
}

#define expect_line(pattern)                           \
  if (!eventually(has_line, (void *)(pattern), 10000)) \
  fail_msg("no line \"%s\" in:\n%s", pattern, all_lines)
#define expect_no_line(pattern) \
  if (has_line((void *)(pattern))) fail_msg("a line \"%s\" in:\n%s", pattern, all_lines)

/* ---------------------------------------------------------------- the ring */

static void there_is_no_log_unless_it_is_asked_for(void **state) {
  (void)state;
  redilock_free(client);
  client = new_client(server, NULL);
  give(take(client, "a", 60000));
  read_log();
  assert_string_equal(all_lines, "");
}

static void line_has_a_level_and_the_time(void **state) {
  (void)state;
  int32_t level = 0;
  int64_t time_ms = 0;
  char text[8];
  const int64_t before = (int64_t)time(NULL) * 1000;
  give(take(client, "a", 60000));
  assert_status(REDILOCK_OK, redilock_client_log(client, &level, &time_ms, text, sizeof text));
  assert_int_equal(level, REDILOCK_LOG_INFO);
  assert_in_range(time_ms, before, ((int64_t)time(NULL) + 1) * 1000);
  assert_string_equal(text, "connect"); /* it is cut where it does not fit */
  assert_status(REDILOCK_OK, redilock_client_log(client, &level, &time_ms, text, sizeof text));
  assert_int_equal(level, 0);
  assert_int_equal(time_ms, 0);
  assert_string_equal(text, "");
}

static void oldest_lines_are_dropped_and_counted(void **state) {
  (void)state;
  redilock_free(client);
  client = new_client(server, "log=2");
  for (int i = 0; i < 4; ++i) {
    char name[2] = {(char)('a' + i), 0};
    redilock_lock_t *lock = take(client, name, 60000);
    redis_do(server, "DEL %s", name);
    assert_status(REDILOCK_E_LOST, redilock_release(lock));
    redilock_lock_free(lock);
  }
  read_log(); /* one of the connection and four losses */
  assert_string_equal(all_lines,
                      "2 3 older lines were dropped: the log keeps 2\n"
                      "1 lock \"c\": lost: taken away or expired\n"
                      "1 lock \"d\": lost: taken away or expired\n");
}

static void lines_outlive_a_close(void **state) {
  (void)state;
  give(take(client, "a", 60000));
  redilock_client_close(client);
  expect_line("^3 connected to ");
}

/* ---------------------------------------------------------------- the completion */

static void completion_says_that_lines_wait(void **state) {
  (void)state;
  redilock_free(client);
  client = new_client(server, "log=100&log_notify=yes");
  expect_no_completion(client);
  redilock_lock_t *lock = take(client, "a", 60000);
  expect_completion(client, 0, REDILOCK_COMPLETION_LOG, REDILOCK_OK);
  redis_do(server, "DEL a");
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  expect_no_completion(client); /* the first line was not read yet */
  expect_line("^3 connected to ");
  lock = (redilock_lock_free(lock), take(client, "b", 60000));
  redis_do(server, "DEL b");
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  assert_status(REDILOCK_OK, redilock_client_wait(client, 10000));
  expect_completion(client, 0, REDILOCK_COMPLETION_LOG, REDILOCK_OK);
  expect_line("^1 lock \"b\": lost");
  redilock_lock_free(lock);
}

/* A log that nobody reads changes nothing for other completions. */
static void completions_of_requests_come_all_the_same(void **state) {
  (void)state;
  redilock_free(client);
  client = new_client(server, "log=1&log_notify=yes");
  for (uint64_t tag = 1; tag < 4; ++tag) {
    redilock_op_t *op = submit(client, "a", NULL, tag);
    if (tag == 1) expect_completion(client, 0, REDILOCK_COMPLETION_LOG, REDILOCK_OK);
    expect_completion(client, tag, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
    give(lock_of(op));
    redilock_op_free(op);
  }
  expect_no_completion(client);
}

/* ---------------------------------------------------------------- the lines */

static void use_proxy(proxy_t *proxy, const char *query) {
  char url[256];
  redilock_free(client);
  snprintf(url, sizeof url, "%s?log=100&%s", proxy_url(proxy), query);
  assert_status(REDILOCK_OK, redilock_new(url, NULL, &client, NULL, 0));
}

static void connection_is_logged_with_what_ended_the_last(void **state) {
  (void)state;
  proxy_t *proxy = proxy_start(server->socket);
  use_proxy(proxy, "timeout=2s");
  give(take(client, "a", 60000));
  expect_line("^3 connected to /");
  proxy_fail(proxy, PROXY_CUT, "EVALSHA", 1, 0);
  give(take(client, "a", 60000));
  expect_line("^2 a connection failed: .*connection");
  expect_line("^3 connected again to /.* after: .*connection");
  redilock_free(client);
  client = NULL;
  proxy_stop(proxy);
}

static void request_without_a_reply_is_rolled_back(void **state) {
  (void)state;
  proxy_t *proxy = proxy_start(server->socket);
  use_proxy(proxy, "timeout=300ms");
  give(take(client, "b", 60000));
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  redilock_lock_t *none = NULL;
  assert_status(REDILOCK_E_UNKNOWN, redilock_acquire(client, "a", 1, 60000, 0, &none, NULL, 0));
  expect_line(
      "^2 lock \"a\": cannot acquire: .*did not answer in time.*; the client rolls it back$");
  assert_true(eventually(is_free, "a", 10000));
  redilock_lock_t *lock = take(client, "c", 60000);
  proxy_fail(proxy, PROXY_MUTE, "EVALSHA", 1, 0);
  assert_status(REDILOCK_E_UNKNOWN, redilock_release(lock));
  expect_line("^2 lock \"c\": cannot release: .*; the client rolls it back$");
  redilock_lock_free(lock);
  redilock_free(client);
  client = NULL;
  proxy_stop(proxy);
}

static void loss_is_logged_with_its_reason_and_the_new_holder(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, "label=host-b/77");
  redilock_lock_t *lock = take(client, "a", 60000), *ended = take(client, "b", 50);
  redis_do(server, "DEL a");
  redilock_lock_t *taken = take(other, "a", 60000);
  assert_status(REDILOCK_E_LOST, redilock_extend(lock, 60000));
  expect_line("^1 lock \"a\": lost: taken away");
  expect_line("^3 lock \"a\": now held by host-b/77$");
  assert_status(REDILOCK_OK, redilock_lock_watch(ended, 1));
  expect_line("^1 lock \"b\": lost: its lease of 50ms has ended$");
  redilock_lock_free(lock);
  redilock_lock_free(ended);
  give(taken);
  redilock_free(other);
}

static void first_failed_renewal_is_logged_once(void **state) {
  (void)state;
  redis_server_t *own = redis_start(NULL);
  redilock_free(client);
  client = new_client(own, "timeout=100ms&log=100");
  redilock_lock_t *lock = take_with_options(client, "a", "renew=yes&ttl=2s");
  redis_stop(own);
  expect_line("^2 lock \"a\": cannot renew: .*No such file or directory$");
  expect_line("^1 lock \"a\": lost: not renewed for 2s: ");
  const char *first = strstr(all_lines, "cannot renew");
  assert_null(strstr(first + 1, "cannot renew"));
  redilock_lock_free(lock);
}

static void subscription_that_breaks_is_logged(void **state) {
  (void)state;
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "a", 60000);
  waiter_t *waiter = start_waiter(client, "a", "wait=20s");
  expect_line("^3 .*: subscribed for the waiters$");
  redis_do(server, "CLIENT KILL TYPE pubsub");
  expect_line("^2 .*: the subscription of the waiters was lost, and is made again$");
  give(held);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  redilock_free(other);
}

static void polling_is_logged_with_its_reason(void **state) {
  (void)state;
  needs_users(server);
  char user[128];
  snprintf(user, sizeof user, "ACL SETUSER blind reset on >c4n4ry ~* %s +@all -pubsub",
           all_channels(server));
  redis_do(server, user);
  redilock_client_t *other = new_client(server, NULL);
  redilock_lock_t *held = take(other, "a", 60000);
  redilock_free(client);
  client = new_client(server, "username=blind&password=c4n4ry&interval=100ms&log=100");
  redilock_op_t *op = submit(client, "a", NULL, 1);
  expect_line("^2 .*: waiters poll from now on: the server's scripts do not see ");
  give(held);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  give(lock_of(op));
  redilock_op_free(op);
  redilock_free(other);
  redis_do(server, "ACL DELUSER blind");
}

/* ---------------------------------------------------------------- secrets */

static void no_line_shows_a_secret(void **state) {
  (void)state;
  needs_users(server);
  redis_do(server, "ACL SETUSER known reset on >c4n4ry ~* +@all -evalsha -eval");
  redilock_lock_t *none = NULL;
  const char *const queries[] = {"username=known&password=w4n4ry&log=9",
                                 "username=known&password=c4n4ry&log=9"};
  for (int i = 0; i < 2; ++i) {
    redilock_free(client);
    client = new_client(server, queries[i]);
    assert_status(REDILOCK_E_AUTH, redilock_acquire(client, "a", 1, 60000, 0, &none, NULL, 0));
    read_log();
  }
  expect_line("^2 a connection failed: .*(WRONGPASS|invalid)");
  expect_line("^3 connected to ");
  expect_no_line("4n4ry");
  redis_do(server, "ACL DELUSER known");
  redilock_free(client);
  client = new_client(server, "log=9");
  redilock_lock_t *lock = take(client, "a", 60000);
  char id[33] = "";
  snprintf(id, sizeof id, "%s", redilock_lock_token(lock, NULL) + strlen("redilock:"));
  redis_do(server, "DEL a");
  assert_status(REDILOCK_E_LOST, redilock_release(lock));
  expect_line("^1 lock \"a\": lost");
  assert_null(strstr(all_lines, id));
  redilock_lock_free(lock);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, forget_lines, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(there_is_no_log_unless_it_is_asked_for),
      CASE(line_has_a_level_and_the_time),
      CASE(oldest_lines_are_dropped_and_counted),
      CASE(lines_outlive_a_close),
      CASE(completion_says_that_lines_wait),
      CASE(completions_of_requests_come_all_the_same),
      CASE(connection_is_logged_with_what_ended_the_last),
      CASE(request_without_a_reply_is_rolled_back),
      CASE(loss_is_logged_with_its_reason_and_the_new_holder),
      CASE(first_failed_renewal_is_logged_once),
      CASE(subscription_that_breaks_is_logged),
      CASE(polling_is_logged_with_its_reason),
      CASE(no_line_shows_a_secret),
  };
  return cmocka_run_group_tests_name("capi/log", tests, start_server, stop_server);
}
