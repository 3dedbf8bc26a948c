// Which replies a connection takes for the answer to a script.
#include "wire/fences.hpp"

#include "../outcome.hpp"

using redilock::Error;
using redilock::kFirstFence;
using redilock::Reply;
using redilock::SeenFences;

static constexpr int64_t kNow = 1700000000000000, kAhead = 9000000000000000;

// What becomes of integer replies, each to a request with this key, one after the other.
static std::string checked(std::initializer_list<std::pair<std::string, int64_t>> replies) {
  SeenFences fences;
  std::string verdicts;
  for (const auto &[key, number] : replies) {
    if (!verdicts.empty()) verdicts += " ";
    try {
      fences.check(key, Reply::of_integer(number));
      verdicts += "fits";
    } catch (const Error &error) {
      verdicts += error.status() == redilock::Status::kProtocol ? "PROTOCOL" : "again";
    }
  }
  return verdicts;
}

static void fences_of_a_key_rise(void **) {
  assert_returns(outcome_of([] { return checked({{"a", kNow}, {"a", kNow + 1}}); }), "fits fits");
  assert_returns(outcome_of([] { return checked({{"a", kNow}, {"a", kNow}}); }), "fits PROTOCOL");
  assert_returns(outcome_of([] {
                   return checked({{"a", kNow}, {"a", kNow - 1}});
                 }),
                 "fits PROTOCOL");
}

static void a_refused_fence_is_not_remembered(void **) {
  assert_returns(outcome_of([] {
                   return checked({{"a", kNow}, {"a", kNow - 9}, {"a", kNow - 5}, {"a", kNow + 1}});
                 }),
                 "fits PROTOCOL PROTOCOL fits");
}

// One counter is far ahead of the clock.
static void fences_of_different_keys_are_not_compared(void **) {
  assert_returns(outcome_of([] {
                   return checked({{"a", kAhead}, {"b", kNow}, {"a", kAhead + 1}, {"b", kNow + 1}});
                 }),
                 "fits fits fits fits");
}

static void the_fence_of_another_key_is_asked_for_again(void **) {
  assert_returns(outcome_of([] {
                   return checked({{"a", kNow}, {"b", kNow}, {"b", kNow + 1}});
                 }),
                 "fits again fits");
  assert_returns(outcome_of([] {
                   return checked({{"a", kNow}, {"b", kNow + 5}, {"c", kNow}});
                 }),
                 "fits fits again");
}

static void a_grant_without_a_fence_is_not_compared(void **) {
  assert_returns(outcome_of([] {
                   return checked({{"a", 0}, {"a", kNow}, {"a", 0}, {"b", 0}});
                 }),
                 "fits fits fits fits");
}

static void answers_of_other_scripts_are_no_fences(void **) {
  for (int64_t number : {int64_t{-1}, int64_t{1}, int64_t{2}, kFirstFence - 1})
    assert_returns(outcome_of([&] { return checked({{"a", number}}); }), "PROTOCOL");
  assert_returns(outcome_of([] { return checked({{"a", kFirstFence}}); }), "fits");
}

static void a_fence_is_no_answer_of_other_scripts(void **) {
  assert_returns(outcome_of([] {
                   return checked({{"", -1}, {"", 0}, {"", 3}, {"", kFirstFence}, {"", kNow}});
                 }),
                 "fits fits fits PROTOCOL PROTOCOL");
}

// More than it remembers: none of them is refused, and the last few still are.
static void many_keys_take_turns(void **) {
  assert_returns(
      outcome_of([]() -> std::string {
        SeenFences fences;
        for (int64_t round = 0; round < 3; ++round)
          for (int64_t i = 0; i < 100; ++i)
            fences.check("key " + std::to_string(i), Reply::of_integer(kNow + round * 100 + i));
        try {
          fences.check("key 99", Reply::of_integer(kNow + 299));
          return "taken twice";
        } catch (const Error &error) {
          return error.message();
        }
      }),
      "the server's reply belongs to another request: its fence is not above the last one");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(fences_of_a_key_rise),
      cmocka_unit_test(a_refused_fence_is_not_remembered),
      cmocka_unit_test(fences_of_different_keys_are_not_compared),
      cmocka_unit_test(the_fence_of_another_key_is_asked_for_again),
      cmocka_unit_test(a_grant_without_a_fence_is_not_compared),
      cmocka_unit_test(answers_of_other_scripts_are_no_fences),
      cmocka_unit_test(a_fence_is_no_answer_of_other_scripts),
      cmocka_unit_test(many_keys_take_turns),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
