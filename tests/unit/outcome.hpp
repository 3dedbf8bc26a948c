// CMocka for C++ tests. Its assertions jump out without running destructors, so tests assert only
// on an Outcome: plain memory that says what a piece of code returned or threw.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <ios>  // before CMocka, whose macro `fail` it would not bear
#include <string>

// Its functions are C, but it does not say so to C++ before 2.0.
extern "C" {
#include <cmocka.h>
}

#include "values/status.hpp"

struct Outcome {
  int32_t status;
  char text[4096];  // what was returned, or the error's message

  bool has(const char *part) const { return strstr(text, part) != nullptr; }
};

// `code` returns a string.
template <class Code>
Outcome outcome_of(const Code &code) {
  Outcome outcome{};
  std::string text;
  try {
    text = code();
  } catch (const redilock::Error &error) {
    outcome.status = static_cast<int32_t>(error.status());
    text = error.message();
  }
  memcpy(outcome.text, text.data(), std::min(text.size(), sizeof outcome.text - 1));
  return outcome;
}

#define assert_returns(outcome, expected)     \
  do {                                        \
    const Outcome got_ = (outcome);           \
    assert_string_equal(got_.text, expected); \
    assert_int_equal(got_.status, 0);         \
  } while (0)

#define assert_throws(outcome, expected_status, expected)                                   \
  do {                                                                                      \
    const Outcome got_ = (outcome);                                                         \
    assert_string_equal(got_.text, expected);                                               \
    assert_int_equal(got_.status, static_cast<int32_t>(redilock::Status::expected_status)); \
  } while (0)
