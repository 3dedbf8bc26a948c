/* "options" of redilock.h: the table as C can list it, and setting them for a client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/locks.h"

static int make_options(void **state) {
  return redilock_options_new((redilock_options_t **)state) == REDILOCK_OK ? 0 : -1;
}

static int drop_options(void **state) {
  redilock_options_free(*state);
  return 0;
}

static void the_table_is_complete_and_each_name_stands_once(void **state) {
  (void)state;
  assert_true(redilock_option_count() >= 17);
  for (size_t i = 0; i < redilock_option_count(); ++i) {
    assert_true(strlen(redilock_option_name(i)) > 0);
    assert_true(strlen(redilock_option_doc(i)) > 0);
    assert_non_null(redilock_option_default(i));
    assert_non_null(strstr("duration integer boolean text bytes", redilock_option_type(i)));
    assert_non_null(strstr("client operation both", redilock_option_scope(i)));
    for (size_t k = 0; k < i; ++k)
      assert_string_not_equal(redilock_option_name(i), redilock_option_name(k));
  }
}

static void past_the_last_there_is_nothing(void **state) {
  (void)state;
  const size_t past[] = {redilock_option_count(), redilock_option_count() + 1, SIZE_MAX};
  for (size_t i = 0; i < 3; ++i) {
    assert_null(redilock_option_name(past[i]));
    assert_null(redilock_option_type(past[i]));
    assert_null(redilock_option_default(past[i]));
    assert_null(redilock_option_scope(past[i]));
    assert_null(redilock_option_doc(past[i]));
  }
}

/* Texts may be empty; "password_file" is read at once, and "host/pid" stands for what the host
 * says. */
static void every_default_of_a_client_can_be_set(void **state) {
  for (size_t i = 0; i < redilock_option_count(); ++i) {
    const char *value = redilock_option_default(i);
    if (strcmp(redilock_option_scope(i), "operation") == 0 || *value == '\0') continue;
    assert_status(REDILOCK_OK,
                  redilock_options_set(*state, redilock_option_name(i), value, NULL, 0));
  }
}

/* Of a pipe, such as the shell's <(...), there is one time only. */
static void a_password_file_is_read_once(void **state) {
  static const char password[] = "secret\n";
  int ends[2];
  char path[32];
  redilock_client_t *client = NULL;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], password, strlen(password)), strlen(password));
  close(ends[1]);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  assert_status(REDILOCK_OK, redilock_options_set(*state, "password_file", path, NULL, 0));
  close(ends[0]);
  assert_status(REDILOCK_OK, redilock_new(NULL, *state, &client, NULL, 0));
  redilock_free(client);
}

static void a_wrong_value_names_its_option(void **state) {
  static const char *const wrong[][2] = {
      {"timeout", ""},
      {"timeout", "5"},
      {"timeout", "0"},
      {"timeout", "-1s"},
      {"timeout", "2h"},
      {"timeout", "5 s"},
      {"interval", "x"},
      {"ttl", "0"},
      {"ttl", "366d"},
      {"ttl", "1e3s"},
      {"wait", "never"},
      {"wait", "366d"},
      {"renew", "maybe"},
      {"renew", ""},
      {"db", "-1"},
      {"db", "65536"},
      {"db", "1.0"},
      {"pool", "1025"},
      {"max_hold", "0"},
      {"fence", "2"},
      {"prefix", "redilock:"},
      {"label", "a\nb"},
      {"label", "\xc3\xa4"},
      {"password_file", "/no/such/file"},
      {"db", "99999999999999999999"},
      {"ttl", "99999999999999999999s"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    char error[256] = "";
    if (redilock_options_set(*state, wrong[i][0], wrong[i][1], error, sizeof error) !=
        REDILOCK_E_INVALID)
      fail_msg("%s=%s was accepted", wrong[i][0], wrong[i][1]);
    if (strstr(error, wrong[i][0]) == NULL) fail_msg("\"%s\" does not name %s", error, wrong[i][0]);
  }
}

static void an_unknown_option_or_one_of_operations_is_named(void **state) {
  const char *const names[] = {"", "Timeout", "timeout ", "nonsense", "name", "token"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char error[256] = "";
    assert_status(REDILOCK_E_INVALID,
                  redilock_options_set(*state, names[i], "1", error, sizeof error));
    assert_non_null(strstr(error, names[i]));
  }
}

static void a_password_never_shows_in_an_error(void **state) {
  const char *const names[] = {"password", "passwort", "password_file", "label"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char error[256] = "";
    redilock_options_set(*state, names[i], "CANARY\n", error, sizeof error);
    assert_null(strstr(error, "CANARY"));
  }
}

static void the_error_is_cut_to_the_buffer(void **state) {
  char error[8];
  memset(error, 'x', sizeof error);
  assert_status(REDILOCK_E_INVALID, redilock_options_set(*state, "nonsense", "1", error, 4));
  assert_int_equal(strlen(error), 3);
  assert_int_equal(error[4], 'x');
  assert_status(REDILOCK_E_INVALID, redilock_options_set(*state, "nonsense", "1", error, 0));
  assert_int_equal(strlen(error), 3);
  assert_status(REDILOCK_E_INVALID, redilock_options_set(*state, "nonsense", "1", NULL, 8));
  assert_status(REDILOCK_OK, redilock_options_set(*state, "db", "1", error, sizeof error));
  assert_string_equal(error, "");
}

static void a_client_copies_its_options(void **state) {
  (void)state;
  redilock_options_t *options = NULL;
  redilock_client_t *client = NULL;
  redilock_op_t *op = NULL;
  assert_status(REDILOCK_OK, redilock_options_new(&options));
  assert_status(REDILOCK_OK, redilock_options_set(options, "pool", "2", NULL, 0));
  assert_status(REDILOCK_OK, redilock_new("redis://localhost", options, &client, NULL, 0));
  redilock_options_free(options);
  assert_status(REDILOCK_OK, redilock_op_new(client, &op));
  redilock_op_free(op);
  redilock_free(client);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_options, drop_options)
  const struct CMUnitTest tests[] = {
      CASE(the_table_is_complete_and_each_name_stands_once),
      CASE(past_the_last_there_is_nothing),
      CASE(every_default_of_a_client_can_be_set),
      CASE(a_password_file_is_read_once),
      CASE(a_wrong_value_names_its_option),
      CASE(an_unknown_option_or_one_of_operations_is_named),
      CASE(a_password_never_shows_in_an_error),
      CASE(the_error_is_cut_to_the_buffer),
      CASE(a_client_copies_its_options),
  };
  return cmocka_run_group_tests_name("capi/options", tests, NULL, NULL);
}
