// What is told is taken once, by its name or by the word that there was too much; also while others
// tell.
#include "client/cancels.hpp"

#include <array>
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

// Each of its own is told once it was taken: none may be missed for longer than that.
static void none_is_missed_while_others_tell(void **) {
  assert_returns(outcome_of([] {
                   Cancels cancels;
                   std::array<Control, kMany> controls;
                   std::array<std::atomic<bool>, 2> waiting{};
                   const auto tell = [&](int which) {
                     for (int i = 0; i < kRounds; ++i) {
                       waiting[which] = true;
                       cancels.tell(controls[which]);
                       while (waiting[which]) std::this_thread::yield();
                     }
                   };
                   std::thread one(tell, 0), other(tell, 1);
                   int64_t taken = 0;
                   while (taken < 2 * kRounds) {
                     cancels.take([&](const Control *control) {
                       waiting[control - &controls[0]] = false;
                       ++taken;
                     });
                     std::this_thread::yield();
                   }
                   one.join();
                   other.join();
                   return std::to_string(taken);
                 }),
                 "40000");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_is_taken_once),
      cmocka_unit_test(too_many_are_told_together),
      cmocka_unit_test(none_is_missed_while_others_tell),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
