// Durations to and from text.
#include "values/duration.hpp"

#include <stdlib.h>

#include "../outcome.hpp"

using redilock::format_duration;
using redilock::kForever;
using redilock::kTtlMax;
using redilock::Millis;
using redilock::parse_duration;

static Outcome parse(const char *text) {
  return outcome_of([&] { return std::to_string(parse_duration(text).count()); });
}

static Outcome format(Millis duration) {
  return outcome_of([&] { return format_duration(duration); });
}

static void every_unit_is_read(void **) {
  assert_returns(parse("500ms"), "500");
  assert_returns(parse("30s"), "30000");
  assert_returns(parse("5m"), "300000");
  assert_returns(parse("1h"), "3600000");
  assert_returns(parse("7d"), "604800000");
}

static void zero_needs_no_unit(void **) {
  assert_returns(parse("0"), "0");
  assert_returns(parse("0s"), "0");
}

static void bare_number_is_refused_with_advice(void **) {
  assert_throws(parse("30"), kInvalid, "30 has no unit; write 30s or 30ms");
}

static void a_year_fits_and_no_more(void **) {
  assert_returns(parse("365d"), "31536000000");
  assert_returns(parse("31536000000ms"), "31536000000");
  assert_throws(parse("31536000001ms"), kInvalid, "31536000001ms is longer than 365d");
  assert_throws(parse("366d"), kInvalid, "366d is longer than 365d");
}

static void numbers_past_64_bits_are_refused(void **) {
  assert_throws(parse("18446744073709551617ms"), kInvalid,
                "18446744073709551617ms is longer than 365d");
  assert_throws(parse("9223372036854775807d"), kInvalid,
                "9223372036854775807d is longer than 365d");
}

static void what_is_no_duration_is_refused(void **) {
  assert_throws(parse(""), kInvalid, "is empty; write a duration such as 30s");
  assert_throws(parse("-5s"), kInvalid, "-5s is negative");
  for (const char *text : {"s", "soon", " 5s", "+5s", "1.5s", "5 s", "5S", "5sec", "5s ", "5s5s"}) {
    assert_int_equal(parse(text).status, static_cast<int32_t>(redilock::Status::kInvalid));
    assert_true(parse(text).has(text));
  }
}

static void foreign_bytes_do_not_reach_the_message(void **) {
  assert_throws(parse("\x1b[31m5"), kInvalid,
                "?[31m5 is not a duration such as 500ms, 30s, 5m, 1h or 7d");
}

static void shortest_exact_form_is_written(void **) {
  assert_returns(format(Millis(0)), "0");
  assert_returns(format(Millis(1500)), "1500ms");
  assert_returns(format(Millis(30000)), "30s");
  assert_returns(format(Millis(90000)), "90s");
  assert_returns(format(Millis(3600000)), "1h");
  assert_returns(format(kTtlMax), "365d");
  assert_returns(format(kForever), "forever");
}

static void what_is_written_reads_back_the_same(void **) {
  for (const int64_t ms : {1LL, 999LL, 1000LL, 60000LL, 61000LL, 86400000LL, 31535999999LL}) {
    const Outcome back = parse(format(Millis(ms)).text);
    assert_int_equal(back.status, 0);
    assert_int_equal(strtoll(back.text, nullptr, 10), ms);
  }
}

static void span_is_written_about(void **) {
  const struct {
    int64_t ms;
    const char *text;
  } spans[] = {{-5, "0ms"},        {0, "0ms"},       {999, "999ms"},      {1000, "1s"},
               {12349, "12.3s"},   {59999, "59.9s"}, {60000, "1m"},       {310000, "5m10s"},
               {3600000, "1h"},    {3659000, "1h"},  {12000000, "3h20m"}, {86400000, "1d"},
               {190800000, "2d5h"}};
  for (const auto &span : spans)
    assert_string_equal(redilock::format_about(Millis(span.ms)).c_str(), span.text);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_unit_is_read),
      cmocka_unit_test(zero_needs_no_unit),
      cmocka_unit_test(bare_number_is_refused_with_advice),
      cmocka_unit_test(a_year_fits_and_no_more),
      cmocka_unit_test(numbers_past_64_bits_are_refused),
      cmocka_unit_test(what_is_no_duration_is_refused),
      cmocka_unit_test(foreign_bytes_do_not_reach_the_message),
      cmocka_unit_test(shortest_exact_form_is_written),
      cmocka_unit_test(what_is_written_reads_back_the_same),
      cmocka_unit_test(span_is_written_about),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
