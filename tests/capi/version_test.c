/* "version and status" of redilock.h: what needs no server and no object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/locks.h"

#define ROW(x) \
  { #x, x }
static const struct {
  const char *name;
  int64_t value;
} constants[] = {
    ROW(REDILOCK_VERSION_MAJOR),
    ROW(REDILOCK_VERSION_MINOR),
    ROW(REDILOCK_VERSION_PATCH),
    ROW(REDILOCK_NAME_MAX),
    ROW(REDILOCK_TTL_MAX),
    ROW(REDILOCK_WAIT_FOREVER),
    ROW(REDILOCK_OK),
    ROW(REDILOCK_E_HELD),
    ROW(REDILOCK_E_TIMEOUT),
    ROW(REDILOCK_E_CANCELLED),
    ROW(REDILOCK_E_INTERRUPTED),
    ROW(REDILOCK_E_LOST),
    ROW(REDILOCK_E_NOT_OWNER),
    ROW(REDILOCK_E_UNKNOWN),
    ROW(REDILOCK_E_UNAVAILABLE),
    ROW(REDILOCK_E_AUTH),
    ROW(REDILOCK_E_SERVER),
    ROW(REDILOCK_E_PROTOCOL),
    ROW(REDILOCK_E_INVALID),
    ROW(REDILOCK_E_NO_MEMORY),
    ROW(REDILOCK_E_FORKED),
    ROW(REDILOCK_E_CLOSED),
    ROW(REDILOCK_E_UNSUPPORTED),
    ROW(REDILOCK_E_INTERNAL),
    ROW(REDILOCK_STATE_FREE),
    ROW(REDILOCK_STATE_HELD),
    ROW(REDILOCK_STATE_FOREIGN),
    ROW(REDILOCK_COMPLETION_ACQUIRE),
    ROW(REDILOCK_COMPLETION_RELEASE),
    ROW(REDILOCK_COMPLETION_EXTEND),
    ROW(REDILOCK_COMPLETION_LOSS),
    ROW(REDILOCK_COMPLETION_BREAK),
    ROW(REDILOCK_COMPLETION_INFO),
    ROW(REDILOCK_COMPLETION_LOG),
    ROW(REDILOCK_LOG_ERROR),
    ROW(REDILOCK_LOG_WARNING),
    ROW(REDILOCK_LOG_INFO),
    ROW(REDILOCK_LOG_LINE_MAX),
};
enum { kConstants = sizeof constants / sizeof *constants };

static void version_is_that_of_the_header(void **state) {
  (void)state;
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", REDILOCK_VERSION_MAJOR, REDILOCK_VERSION_MINOR,
           REDILOCK_VERSION_PATCH);
  assert_string_equal(redilock_version(), text);
  assert_int_equal(
      redilock_version_number(),
      REDILOCK_VERSION_MAJOR * 10000 + REDILOCK_VERSION_MINOR * 100 + REDILOCK_VERSION_PATCH);
}

static void every_constant_is_found_by_its_name(void **state) {
  (void)state;
  for (size_t i = 0; i < kConstants; ++i) {
    int64_t value = -99;
    assert_status(REDILOCK_OK, redilock_constant(constants[i].name, &value));
    assert_int_equal(value, constants[i].value);
  }
}

/* Whoever adds a constant to the header and forgets redilock_constant is told here. */
static bool is_constant(const char *line, char *name) {
  char value[2];
  if (sscanf(line, " #define %63[A-Z_0-9] %1[-(0-9I]", name, value) == 2) return true;
  return sscanf(line, " REDILOCK_%*[A-Z_0-9] = %1[-0-9]", value) == 1 &&
         sscanf(line, " %63[A-Z_0-9]", name) == 1;
}

static void the_header_has_no_constant_without_a_name(void **state) {
  (void)state;
  const char *source = getenv("REDILOCK_SOURCE_DIR");
  if (source == NULL) skip();
  char path[4096], line[512], name[64];
  snprintf(path, sizeof path, "%s/capi/include/redilock/redilock.h", source);
  FILE *header = fopen(path, "re");
  assert_non_null(header);
  size_t found = 0;
  while (fgets(line, sizeof line, header) != NULL) {
    int64_t value;
    if (!is_constant(line, name)) continue;
    ++found;
    if (redilock_constant(name, &value) != REDILOCK_OK) fail_msg("%s has no name", name);
  }
  fclose(header);
  assert_int_equal(found, kConstants);
}

static void a_name_that_is_none_is_invalid(void **state) {
  (void)state;
  const char *const names[] = {"", "REDILOCK_E_", "REDILOCK_E_?", "redilock_ok", "REDILOCK_OK "};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    int64_t value = 7;
    assert_status(REDILOCK_E_INVALID, redilock_constant(names[i], &value));
  }
}

static void the_codes_are_those_of_the_first_release(void **state) {
  (void)state;
  const char *const names[] = {"OK",     "HELD",        "TIMEOUT", "CANCELLED",   "INTERRUPTED",
                               "LOST",   "NOT_OWNER",   "UNKNOWN", "UNAVAILABLE", "AUTH",
                               "SERVER", "PROTOCOL",    "INVALID", "NO_MEMORY",   "FORKED",
                               "CLOSED", "UNSUPPORTED", "INTERNAL"};
  for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof *names); ++i) {
    char name[64];
    snprintf(name, sizeof name, "REDILOCK_%s%s", i == 0 ? "" : "E_", names[i]);
    assert_string_equal(redilock_status_name(-i), name);
  }
}

static void every_number_has_a_name_and_a_sentence(void **state) {
  (void)state;
  const int32_t none[] = {1, 42, -18, -1000, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof none / sizeof *none; ++i) {
    assert_string_equal(redilock_status_name(none[i]), "REDILOCK_E_?");
    assert_true(strlen(redilock_strerror(none[i])) > 0);
  }
  for (int32_t a = REDILOCK_E_INTERNAL; a <= REDILOCK_OK; ++a) {
    assert_true(strlen(redilock_strerror(a)) > 0);
    for (int32_t b = REDILOCK_E_INTERNAL; b < a; ++b)
      assert_string_not_equal(redilock_strerror(a), redilock_strerror(b));
  }
}

/* What a build cannot do, a url that asks for it says as well. */
static void features_are_listed_and_true(void **state) {
  (void)state;
  static const struct {
    const char *name, *url;
  } features[] = {
      {"tls", "rediss://host"},
      {"sentinel", "redis+sentinel://host"},
      {"cluster", "redis+cluster://host"},
      {"unix", "unix:///path/to.sock"},
  };
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    redilock_client_t *client = NULL;
    const int32_t expected =
        redilock_has(features[i].name) == 1 ? REDILOCK_OK : REDILOCK_E_UNSUPPORTED;
    assert_status(expected, redilock_new(features[i].url, NULL, &client, NULL, 0));
    redilock_free(client);
    size_t found = 0;
    for (size_t k = 0; k < redilock_feature_count(); ++k)
      found += strcmp(redilock_feature_name(k), features[i].name) == 0;
    assert_int_equal(found, 1);
  }
  assert_int_equal(redilock_has("async"), 1);
  assert_int_equal(redilock_has("tls"), 0);
  assert_int_equal(redilock_has(""), 0);
  assert_int_equal(redilock_has("TLS"), 0);
  assert_int_equal(redilock_has(NULL), 0);
  assert_null(redilock_feature_name(redilock_feature_count()));
  assert_null(redilock_feature_name(SIZE_MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(version_is_that_of_the_header),
      cmocka_unit_test(every_constant_is_found_by_its_name),
      cmocka_unit_test(the_header_has_no_constant_without_a_name),
      cmocka_unit_test(a_name_that_is_none_is_invalid),
      cmocka_unit_test(the_codes_are_those_of_the_first_release),
      cmocka_unit_test(every_number_has_a_name_and_a_sentence),
      cmocka_unit_test(features_are_listed_and_true),
  };
  return cmocka_run_group_tests_name("capi/version", tests, NULL, NULL);
}
