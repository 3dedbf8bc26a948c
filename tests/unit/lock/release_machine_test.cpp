// A release, a break, an extension and a look-up as machines: what they ask, and what each reply or
// failure means. Without a server.
#include "lock/release_machine.hpp"

#include "../outcome.hpp"
#include "lock/extend_machine.hpp"
#include "lock/info_machine.hpp"

using redilock::Answer;
using redilock::Claim;
using redilock::Command;
using redilock::Error;
using redilock::ExtendMachine;
using redilock::InfoMachine;
using redilock::Instant;
using redilock::LockKeys;
using redilock::Micros;
using redilock::Millis;
using redilock::ReleaseMachine;
using redilock::Reply;
using redilock::Script;
using redilock::Status;
using redilock::Unanswered;

static const Claim &claim() {
  static const Claim claim{LockKeys("", "L"), "t", Millis(1000), true, "c"};
  return claim;
}

static Instant at(int64_t us) { return Instant(Micros(us)); }

static Answer answer(int64_t number, Instant sent = at(1), bool asked_before = false) {
  return {Reply::of_integer(number), sent, asked_before};
}

static Unanswered unreachable(bool sent) {
  return {Error(Status::kUnavailable, "gone", true), sent};
}

// The words that a machine sends, but for the keys.
static std::string asked(const redilock::Machine &machine) {
  std::string words;
  auto send = [&](const Script &, const Command &keys, const Command &arguments) {
    words = std::to_string(keys.size()) + " keys";
    for (const std::string_view word : arguments) words += " " + std::string(word);
  };
  machine.ask(redilock::Machine::Send(send));
  return words;
}

static std::string state(const ReleaseMachine &release) {
  std::string text = release.owned() ? "owned" : "not owned";
  if (release.more()) text += ", more";
  if (release.failure())
    text += ", " +
            std::string(redilock::status_name(static_cast<int32_t>(release.failure()->status()))) +
            (release.failure()->sent() ? " sent" : "");
  return text;
}

static void release_asks_for_the_place_too(void **) {
  assert_returns(outcome_of([] { return asked(ReleaseMachine(claim())); }), "5 keys t 1000 c t");
  assert_returns(
      outcome_of([] { return asked(ReleaseMachine(claim(), ReleaseMachine::By::kForce)); }),
      "5 keys");
}

static void first_reply_decides_and_the_rest_drop_the_dead(void **) {
  assert_returns(outcome_of([] {
                   ReleaseMachine release(claim());
                   std::string log;
                   for (const auto &reply : {answer(3, at(7)), answer(2, at(8)), answer(0, at(9))})
                     log += release.replied(reply) ? "again, " : "end, ";
                   return log + state(release) + (release.at() == at(7) ? " at 7" : " later");
                 }),
                 "again, again, end, owned at 7");
}

static void release_after_an_unanswered_request_counts_as_owned(void **) {
  assert_returns(outcome_of([] {
                   ReleaseMachine release(claim());
                   release.replied(answer(0, at(1), true));
                   return state(release);
                 }),
                 "owned");
}

static void failure_counts_until_the_lock_is_free(void **) {
  assert_returns(outcome_of([] {
                   ReleaseMachine early(claim()), late(claim());
                   early.replied(answer(2));
                   early.failed(unreachable(true));
                   late.replied(answer(3));
                   late.failed(unreachable(true));
                   return state(early) + "; " + state(late);
                 }),
                 "not owned, more, REDILOCK_E_UNAVAILABLE sent; owned, more");
}

static void reply_of_another_form_is_refused(void **) {
  const auto status_of = [](auto machine, int64_t reply) {
    return outcome_of([&] { return machine.replied(answer(reply)) ? "again" : "end"; }).status;
  };
  const auto protocol = static_cast<int32_t>(Status::kProtocol);
  assert_int_equal(status_of(ReleaseMachine(claim()), 4), protocol);
  assert_int_equal(status_of(ExtendMachine(claim(), Millis(500)), 17), protocol);
  assert_int_equal(status_of(InfoMachine(LockKeys("", "L")), 1), protocol);
}

static void extension_counts_from_its_request(void **) {
  assert_returns(outcome_of([] {
                   ExtendMachine held(claim(), Millis(500)), gone(claim(), Millis(500));
                   const std::string words = asked(held);
                   const bool again =
                       held.replied(answer(1, at(7))) || gone.replied(answer(0, at(7)));
                   return words + (again ? ", again" : "") +
                          (held.anchor() == at(7) ? ", held" : ", not held") +
                          (gone.anchor() || gone.failure() ? ", odd" : ", gone");
                 }),
                 "2 keys t 500, held, gone");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(release_asks_for_the_place_too),
      cmocka_unit_test(first_reply_decides_and_the_rest_drop_the_dead),
      cmocka_unit_test(release_after_an_unanswered_request_counts_as_owned),
      cmocka_unit_test(failure_counts_until_the_lock_is_free),
      cmocka_unit_test(reply_of_another_form_is_refused),
      cmocka_unit_test(extension_counts_from_its_request),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
