/*
 * A list of locks is read in pages, each of which has its own time and may fail by itself. What a server
 * lists is in tests/capi/list_test.c.
 */
#include <stdint.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/timing.h"

#define EMPTY_PAGE(cursor) "*2\r\n$1\r\n" cursor "\r\n*0\r\n"
#define LAST_PAGE "*2\r\n$1\r\n0\r\n*1\r\n$3\r\njob\r\n"
#define VALUE "$42\r\nredilock:0123456789abcdef0123456789abcdef:\r\n"

/* The server falls silent after two pages without a name. */
static void page_that_does_not_come_is_asked_for_by_the_next_call(void **state) {
  (void)state;
  const struct fake_step steps[] = {
      {"SCAN", FAKE_SEND, EMPTY_PAGE("5"), 1}, {"SCAN", FAKE_SEND, EMPTY_PAGE("7"), 1},
      {"SCAN", FAKE_SILENT, NULL, 1},          {"SCAN", FAKE_SEND, LAST_PAGE, 0},
      {"GETRANGE", FAKE_SEND, VALUE, 0},       {NULL, FAKE_SEND, NULL, 0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=300ms");
  redilock_list_t *list = NULL;
  const char *name = "x";
  char cursor[8];
  size_t len = 9;
  assert_int_equal(redilock_list_new(client, NULL, 0, &list), REDILOCK_OK);

  const int64_t began = now_ms();
  assert_int_equal(redilock_list_next(list, &name, &len), REDILOCK_E_UNAVAILABLE);
  assert_in_range(now_ms() - began, 300, soon_ms(2000));
  assert_null(name);
  assert_int_equal(len, 0);
  assert_int_equal(fake_server_count(fake, "SCAN"), 3);

  assert_int_equal(redilock_list_next(list, &name, &len), REDILOCK_OK);
  assert_string_equal(name, "job");
  fake_server_word(fake, "SCAN", 1, cursor, sizeof cursor);
  assert_string_equal(cursor, "7");
  redilock_list_free(list);
  redilock_free(client);
  fake_server_stop(fake);
}

/* The names of a page are known, but not yet whose locks they are. */
static void page_whose_values_do_not_come_is_asked_for_again(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"SCAN", FAKE_SEND, LAST_PAGE, 0},
                                    {"GETRANGE", FAKE_SILENT, NULL, 1},
                                    {"GETRANGE", FAKE_SEND, VALUE, 0},
                                    {NULL, FAKE_SEND, NULL, 0}};
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=300ms");
  redilock_list_t *list = NULL;
  const char *name = "x";
  assert_int_equal(redilock_list_new(client, NULL, 0, &list), REDILOCK_OK);
  assert_int_equal(redilock_list_next(list, &name, NULL), REDILOCK_E_UNAVAILABLE);
  assert_int_equal(redilock_list_next(list, &name, NULL), REDILOCK_OK);
  assert_non_null(name);
  assert_string_equal(name, "job");
  redilock_list_free(list);
  redilock_free(client);
  fake_server_stop(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(page_that_does_not_come_is_asked_for_by_the_next_call),
      cmocka_unit_test(page_whose_values_do_not_come_is_asked_for_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
