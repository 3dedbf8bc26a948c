// Digits, and foreign text in messages.
#include "values/text.hpp"

#include "../outcome.hpp"

static Outcome digits(std::string_view text) {
  return outcome_of([&] {
    const auto number = redilock::parse_digits(text);
    return number ? std::to_string(*number) : "none";
  });
}

static Outcome shown(std::string_view text) {
  return outcome_of([&] { return redilock::shown(text); });
}

static void digits_are_a_number(void **) {
  assert_returns(digits("0"), "0");
  assert_returns(digits("007"), "7");
  assert_returns(digits("9223372036854775807"), "9223372036854775807");
}

static void anything_else_is_none(void **) {
  for (const char *text : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "9223372036854775808"}) {
    assert_returns(digits(text), "none");
  }
  assert_returns(digits(std::string_view("1\0", 2)), "none");
}

static void bytes_that_do_not_print_are_question_marks(void **) {
  assert_returns(shown(std::string_view("a\n\0\x7f\xc3~ ", 7)), "a????~ ");
}

static void long_text_is_cut(void **) {
  assert_returns(outcome_of([] { return redilock::shown("1234", 3); }), "123...");
  assert_returns(shown("1234567890123456789012345678901234567890"),
                 "1234567890123456789012345678901234567890");
  assert_returns(shown("1234567890123456789012345678901234567890x"),
                 "1234567890123456789012345678901234567890...");
  assert_returns(outcome_of([] { return redilock::shown("123\x1b[1m", 5); }), "123?[...");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(digits_are_a_number),
      cmocka_unit_test(anything_else_is_none),
      cmocka_unit_test(bytes_that_do_not_print_are_question_marks),
      cmocka_unit_test(long_text_is_cut),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
