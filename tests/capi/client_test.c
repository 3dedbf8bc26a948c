/* "client" of redilock.h: urls, the environment, databases and prefixes, credentials, and being
 * freed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/async.h"
#include "support/needs.h"

static redis_server_t *server;

static int start(void **state) {
  (void)state;
  const char *const args[] = {"--requirepass", "s3cret@CANARY", NULL};
  server = redis_start_tcp(args);
  return 0;
}

static int stop(void **state) {
  (void)state;
  unsetenv("REDILOCK_URL");
  redis_stop(server);
  return 0;
}

/* How a try for "n" on a client of the url ends; the operation's message goes to `message`. */
static int32_t try_with(const char *url, const redilock_options_t *options, char *message,
                        size_t size) {
  redilock_client_t *client = NULL;
  redilock_op_t *op = NULL;
  redilock_lock_t *lock = NULL;
  int32_t status = redilock_new(url, options, &client, message, size);
  if (status != REDILOCK_OK) return status;
  op = new_op(client, "n");
  assert_status(REDILOCK_OK, redilock_op_set_int(op, "wait", 0));
  status = redilock_op_acquire(op, &lock);
  redilock_op_message(op, message, size);
  if (lock != NULL) give(lock);
  redilock_op_free(op);
  redilock_free(client);
  return status;
}

static void good_urls_reach_the_server(void **state) {
  (void)state;
  char url[512], message[512];
  const char *const forms[] = {"redis://:s3cret%%40CANARY@127.0.0.1:%d",
                               "redis://:s3cret@CANARY@127.0.0.1:%d/3",
                               "redis://localhost:%d/0?timeout=2s&password=s3cret%%40CANARY",
                               "redis://127.0.0.1:%d?password=s3cret%%40CANARY&db=1"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(url, sizeof url, forms[i], server->port);
#pragma GCC diagnostic pop
    if (try_with(url, NULL, message, sizeof message) != REDILOCK_OK)
      fail_msg("%s: %s", url, message);
  }
  snprintf(url, sizeof url, "%s?password=s3cret%%40CANARY", server->url);
  assert_status(REDILOCK_OK, try_with(url, NULL, message, sizeof message));
}

static void a_url_may_name_the_user(void **state) {
  (void)state;
  needs_users(server);
  char url[512], message[512];
  snprintf(url, sizeof url, "redis://default:s3cret%%40CANARY@127.0.0.1:%d", server->port);
  assert_status(REDILOCK_OK, try_with(url, NULL, message, sizeof message));
}

static void bad_urls_are_refused_without_a_password_in_the_reason(void **state) {
  (void)state;
  static const struct {
    const char *url;
    int32_t status;
    const char *part;
  } rows[] = {
      {"redis://u:CANARY@host:99999", REDILOCK_E_INVALID, "port"},
      {"redis://u:CANARY@host:0", REDILOCK_E_INVALID, "port"},
      {"redis://u:CANARY@host:x", REDILOCK_E_INVALID, "port"},
      {"redis://u:CANARY@[::1", REDILOCK_E_INVALID, ""},
      {"redis://u:CANARY@host/x", REDILOCK_E_INVALID, "db"},
      {"redis://u:CANARY@host/70000", REDILOCK_E_INVALID, "db"},
      {"redis://u:CANARY%00@host", REDILOCK_E_INVALID, ""},
      {"redis://u:CANARY%zz@host", REDILOCK_E_INVALID, ""},
      {"redis://u:CANARY@host?nonsense=1", REDILOCK_E_INVALID, "nonsense"},
      {"redis://u:CANARY@host?timeout=soon", REDILOCK_E_INVALID, "timeout"},
      {"http://u:CANARY@host", REDILOCK_E_INVALID, ""},
      {"u:CANARY@host", REDILOCK_E_INVALID, ""},
      {"", REDILOCK_E_INVALID, ""},
      {"unix://", REDILOCK_E_INVALID, ""},
      {"rediss://u:CANARY@host", REDILOCK_E_UNSUPPORTED, "TLS"},
      {"redis+sentinel://u:CANARY@host", REDILOCK_E_UNSUPPORTED, ""},
      {"redis+cluster://u:CANARY@host", REDILOCK_E_UNSUPPORTED, ""},
      {"redis://u:CANARY@a,b", REDILOCK_E_UNSUPPORTED, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    char error[512] = "";
    redilock_client_t *client = (redilock_client_t *)error;
    const int32_t status = redilock_new(rows[i].url, NULL, &client, error, sizeof error);
    if (status != rows[i].status) fail_msg("%s: %s", rows[i].url, redilock_status_name(status));
    assert_null(client);
    assert_true(strlen(error) > 0);
    if (strstr(error, rows[i].part) == NULL) fail_msg("%s: \"%s\"", rows[i].url, error);
    if (strstr(error, "CANARY") != NULL) fail_msg("%s: \"%s\"", rows[i].url, error);
  }
}

static void the_environment_counts_where_no_url_is_given(void **state) {
  (void)state;
  char url[256], message[512] = "";
  redilock_client_t *client = NULL;
  unsetenv("REDILOCK_URL");
  assert_status(REDILOCK_OK, redilock_new(NULL, NULL, &client, NULL, 0));
  redilock_free(client);
  setenv("REDILOCK_URL", "", 1);
  assert_status(REDILOCK_OK, redilock_new(NULL, NULL, &client, NULL, 0));
  redilock_free(client);
  setenv("REDILOCK_URL", "redis://host:99999", 1);
  assert_status(REDILOCK_E_INVALID, redilock_new(NULL, NULL, &client, NULL, 0));
  assert_status(REDILOCK_OK, redilock_new("redis://host", NULL, &client, NULL, 0));
  redilock_free(client);
  snprintf(url, sizeof url, "%s?password=s3cret%%40CANARY", server->url);
  setenv("REDILOCK_URL", url, 1);
  assert_status(REDILOCK_OK, try_with(NULL, NULL, message, sizeof message));
}

static void the_url_counts_before_the_options(void **state) {
  (void)state;
  char url[256], message[512];
  redilock_options_t *options = NULL;
  redilock_client_t *client = NULL;
  assert_status(REDILOCK_OK, redilock_options_new(&options));
  assert_status(REDILOCK_OK, redilock_options_set(options, "password", "wrong", NULL, 0));
  assert_status(REDILOCK_OK, redilock_options_set(options, "db", "5", NULL, 0));
  snprintf(url, sizeof url, "%s?password=s3cret%%40CANARY&db=6", server->url);
  assert_status(REDILOCK_OK, try_with(url, options, message, sizeof message));
  assert_status(REDILOCK_OK, redilock_new(url, options, &client, NULL, 0));
  redilock_lock_t *lock = take(client, "where", 5000);
  redilock_lock_free(lock);
  redilock_free(client);
  redis_do(server, "SWAPDB 0 6");
  assert_int_equal(redis_integer(server, "EXISTS where"), 1);
  redis_do(server, "FLUSHALL");
  redilock_options_free(options);
}

static void wrong_credentials_say_auth_and_never_show_the_password(void **state) {
  (void)state;
  char url[256], message[512];
  const char *const queries[] = {"", "?password=CANARY", "?username=nobody&password=CANARY"};
  for (size_t i = 0; i < 3; ++i) {
    snprintf(url, sizeof url, "%s%s", server->url, queries[i]);
    assert_status(REDILOCK_E_AUTH, try_with(url, NULL, message, sizeof message));
    assert_true(strlen(message) > 0);
    assert_null(strstr(message, "CANARY"));
  }
}

static void the_password_can_come_from_a_file(void **state) {
  (void)state;
  char path[256], message[512] = "";
  redilock_options_t *options = NULL;
  snprintf(path, sizeof path, "%s/password", server->folder);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  fputs("s3cret@CANARY\nnot this\n", file);
  fclose(file);
  assert_status(REDILOCK_OK, redilock_options_new(&options));
  assert_status(REDILOCK_OK, redilock_options_set(options, "password_file", path, NULL, 0));
  assert_status(REDILOCK_OK, try_with(server->url, options, message, sizeof message));
  redilock_options_free(options);
}

static void no_server_is_unavailable_in_time(void **state) {
  (void)state;
  char message[512];
  const char *const urls[] = {"unix:///no/such/socket?timeout=300ms",
                              "redis://127.0.0.1:1?timeout=300ms",
                              "redis://no.such.host.invalid?timeout=300ms"};
  for (size_t i = 0; i < 3; ++i) {
    const int64_t before = now_ms();
    assert_status(REDILOCK_E_UNAVAILABLE, try_with(urls[i], NULL, message, sizeof message));
    assert_in_range(now_ms() - before, 0, soon_ms(1500));
    assert_true(strlen(message) > 0);
  }
}

static void a_server_without_scripts_is_told(void **state) {
  (void)state;
  char message[512];
  const char *const args[] = {"--rename-command", "EVALSHA", "", NULL};
  redis_server_t *other = redis_start(args);
  const int32_t status = try_with(other->url, NULL, message, sizeof message);
  assert_status(REDILOCK_E_UNSUPPORTED, status);
  assert_non_null(strstr(message, "EVALSHA"));
  redis_stop(other);
}

static void what_outlives_its_client_says_closed(void **state) {
  (void)state;
  redilock_client_t *client = new_client(server, "password=s3cret%40CANARY");
  redilock_op_t *op = new_op(client, "a");
  redilock_lock_t *lock = take(client, "b", 60000);
  redilock_lock_t *none = NULL;
  redilock_list_t *list = NULL;
  redilock_info_t *info = NULL;
  const char *name = NULL;
  assert_status(REDILOCK_OK, redilock_list_new(client, NULL, 0, &list));
  redilock_free(client);
  assert_status(REDILOCK_E_CLOSED, redilock_op_acquire(op, &none));
  assert_status(REDILOCK_E_CLOSED, redilock_op_info(op, &info));
  assert_status(REDILOCK_E_CLOSED, redilock_op_break(op));
  assert_status(REDILOCK_E_CLOSED, redilock_op_check(op));
  assert_status(REDILOCK_OK, redilock_op_set(op, "name", "b"));
  assert_status(REDILOCK_E_CLOSED, redilock_op_extend(op, lock));
  assert_status(REDILOCK_E_CLOSED, redilock_op_release(op, lock));
  assert_status(REDILOCK_E_CLOSED, redilock_release(lock));
  assert_status(REDILOCK_E_CLOSED, redilock_extend(lock, 1000));
  assert_status(REDILOCK_E_CLOSED, redilock_list_next(list, &name, NULL));
  assert_string_equal(redilock_lock_name(lock, NULL), "b");
  redilock_list_free(list);
  redilock_lock_free(lock);
  redilock_op_free(op);
  assert_in_range(redis_integer(server, "PTTL b"), 50000, 60000);
  redis_do(server, "FLUSHALL");
}

/* As CLIENT LIST tells them, to a connection that is one of them. */
static void list_connections(char *list, size_t size) {
  if (!redis_text(server, list, size, "CLIENT LIST")) fail_msg("no CLIENT LIST");
}

static bool only_ours_is_left(void *unused) {
  (void)unused;
  char list[4096];
  list_connections(list, sizeof list);
  return strchr(list, '\n') == strrchr(list, '\n');
}

static bool one_is_paused(void *unused) {
  (void)unused;
  char list[4096];
  list_connections(list, sizeof list);
  return strstr(list, " flags=b") != NULL;
}

static void connections_go_though_a_lock_is_left(void **state) {
  (void)state;
  redilock_client_t *client = new_client(server, "password=s3cret%40CANARY");
  redilock_lock_t *lock = take(client, "a", 60000);
  redilock_op_t *op = submit(client, "b", "renew=yes", 1);
  expect_completion(client, 1, REDILOCK_COMPLETION_ACQUIRE, REDILOCK_OK);
  redilock_lock_t *submitted = lock_of(op);
  assert_false(only_ours_is_left(NULL));
  redilock_free(client);
  assert_true(eventually(only_ours_is_left, NULL, 5000));
  redilock_lock_free(lock);
  redilock_lock_free(submitted);
  redilock_op_free(op);
  redis_do(server, "FLUSHALL");
}

static void *acquire(void *op) {
  redilock_lock_t *lock = NULL;
  const int32_t status = redilock_op_acquire(op, &lock);
  redilock_lock_free(lock);
  return status == REDILOCK_OK || status == REDILOCK_E_CLOSED ? op : NULL;
}

static void connection_of_a_call_that_ends_later_goes_too(void **state) {
  (void)state;
  needs(server, "CLIENT UNPAUSE", "pause that ends early (CLIENT UNPAUSE)");
  redilock_client_t *client = new_client(server, "password=s3cret%40CANARY&timeout=60s");
  redilock_op_t *op = new_op(client, "a");
  pthread_t thread;
  void *ended = NULL;
  redis_do(server, "CLIENT PAUSE 60000 WRITE");
  assert_int_equal(pthread_create(&thread, NULL, acquire, op), 0);
  assert_true(eventually(one_is_paused, NULL, 5000));
  redilock_free(client);
  redis_do(server, "CLIENT UNPAUSE");
  assert_int_equal(pthread_join(thread, &ended), 0);
  assert_ptr_equal(ended, op);
  assert_true(eventually(only_ours_is_left, NULL, 5000));
  redilock_op_free(op);
  redis_do(server, "FLUSHALL");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_urls_reach_the_server),
      cmocka_unit_test(a_url_may_name_the_user),
      cmocka_unit_test(bad_urls_are_refused_without_a_password_in_the_reason),
      cmocka_unit_test(the_environment_counts_where_no_url_is_given),
      cmocka_unit_test(the_url_counts_before_the_options),
      cmocka_unit_test(wrong_credentials_say_auth_and_never_show_the_password),
      cmocka_unit_test(the_password_can_come_from_a_file),
      cmocka_unit_test(no_server_is_unavailable_in_time),
      cmocka_unit_test(a_server_without_scripts_is_told),
      cmocka_unit_test(what_outlives_its_client_says_closed),
      cmocka_unit_test(connections_go_though_a_lock_is_left),
      cmocka_unit_test(connection_of_a_call_that_ends_later_goes_too),
  };
  return cmocka_run_group_tests_name("capi/client", tests, start, stop);
}
