// What is told is taken once, by its name or by the word that there was too much; also while others
// tell.
#include "client/cancels.hpp"

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "../outcome.hpp"
#include "client/completions.hpp"

using redilock::Cancels;
using redilock::Control;

enum { kFew = 3, kMany = 100, kRounds = 20000 };

// The numbers of those that were told, in any order.
static std::string taken(Cancels &cancels, const std::array<Control, kMany> &controls) {
  std::array<int, kMany> times{};
  const bool all = cancels.take([&](const Control *control) { ++times[control - &controls[0]]; });
  std::string text;
  for (int i = 0; i < kMany; ++i)
    if (times[i] > 0) text += std::to_string(i) + (times[i] > 1 ? "! " : " ");
  return all ? "any" : text;
}

static void each_is_taken_once(void **) {
  assert_returns(outcome_of([] {
                   Cancels cancels;
                   std::array<Control, kMany> controls;
                   for (int i = 0; i < kFew; ++i) cancels.tell(controls[i]);
                   const std::string first = taken(cancels, controls);
                   return first + "then " + taken(cancels, controls);
                 }),
                 "0 1 2 then ");
}

static void too_many_are_told_together(void **) {
  assert_returns(outcome_of([] {
                   Cancels cancels;
                   std::array<Control, kMany> controls;
                   for (const Control &control : controls) cancels.tell(control);
                   const std::string first = taken(cancels, controls);
                   cancels.tell(controls[kFew]);
                   return first + " then " + taken(cancels, controls);
                 }),
                 "any then 3 ");
}

// Each teller waits until its control was taken, so a control that is missed ends the test by its
// timeout. Where other programs have the processors, fewer rounds are enough.
static void none_is_missed_while_others_tell(void **) {
  Cancels cancels;
  std::array<Control, kMany> controls;
  std::array<std::atomic<bool>, 2> waiting{};
  std::atomic<int> telling{2};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int64_t posted[2] = {}, taken = 0;
  const auto tell = [&](int which) {
    while (posted[which] < kRounds && std::chrono::steady_clock::now() < end) {
      waiting[which] = true;
      cancels.tell(controls[which]);
      ++posted[which];
      while (waiting[which]) std::this_thread::yield();
    }
    --telling;
  };
  std::thread one(tell, 0), other(tell, 1);
  while (telling > 0) {
    cancels.take([&](const Control *control) {
      waiting[control - &controls[0]] = false;
      ++taken;
    });
    std::this_thread::yield();
  }
  one.join();
  other.join();
  assert_true(taken > 0);
  assert_int_equal(taken, posted[0] + posted[1]);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_is_taken_once),
      cmocka_unit_test(too_many_are_told_together),
      cmocka_unit_test(none_is_missed_while_others_tell),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
