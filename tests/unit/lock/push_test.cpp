// Pushes from the text of a message.
#include "lock/push.hpp"

#include <string>

#include "../outcome.hpp"

static const std::string kId(32, 'a');

static Outcome push(const std::string &payload) {
  return outcome_of([&] {
    auto push = redilock::parse_push(payload);
    if (!push) return std::string("none");
    if (push->kind == redilock::Push::Kind::kNext)
      return "next " + std::to_string(push->recheck_in.count()) + " " +
             std::to_string(push->server_us);
    return std::to_string(push->fence) + " " + std::to_string(push->server_us);
  });
}

static void push_is_read(void **) {
  assert_returns(push(kId + " 9007199254740991 17"), "9007199254740991 17");
  assert_returns(push("next " + kId + " 250 17"), "next 250 17");
  assert_returns(push("next " + kId + " 0 17"), "next 0 17");
}

static void later_additions_to_a_push_are_ignored(void **) {
  assert_returns(push(kId + " 5 17 "), "5 17");
  assert_returns(push(kId + " 5 17 more of it"), "5 17");
  assert_returns(push("next " + kId + " 250 17 more"), "next 250 17");
}

static void what_is_no_push_is_ignored(void **) {
  static const char *const rest[] = {"",
                                     " ",
                                     " 1",
                                     " 1 ",
                                     "1 2",
                                     " x 2",
                                     " 1 x",
                                     " 0 2",
                                     " -1 2",
                                     " 1 -2",
                                     " 1 0",
                                     " 1  2",
                                     " 9007199254740992 2",
                                     " 1 9007199254740992",
                                     " 99999999999999999999 2"};
  for (const char *text : rest) assert_returns(push(kId + text), "none");
  for (const char *text : {"", " ", " 1", " x 2", " 1 x", " -1 2", " 1 0", " 1 2x"})
    assert_returns(push("next " + kId + text), "none");
  assert_returns(push("next  " + kId + " 1 2"), "none");
  assert_returns(push("short 1 2"), "none");
  assert_returns(push(""), "none");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(push_is_read),
      cmocka_unit_test(later_additions_to_a_push_are_ignored),
      cmocka_unit_test(what_is_no_push_is_ignored),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
