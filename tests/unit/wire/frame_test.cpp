// Commands in their form on the wire.
#include "wire/frame.hpp"

#include "../outcome.hpp"

using redilock::Command;

static std::string framed(const Command &command, size_t announced) {
  std::string bytes;
  redilock::frame(command, announced, bytes);
  return bytes;
}

static void words_are_framed_with_their_lengths(void **) {
  assert_returns(outcome_of([] {
                   return framed({"GET", ""}, 2);
                 }),
                 "*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
}

static void words_that_follow_have_no_head(void **) {
  assert_returns(outcome_of([] { return framed({"a"}, 0); }), "$1\r\na\r\n");
}

static void words_of_commands_are_appended(void **) {
  assert_returns(outcome_of([] {
                   Command command{"EVAL"};
                   command.append({"a", "b"});
                   command.push_back("c");
                   command[0] = "EVALSHA";
                   return std::to_string(command.size()) + framed(command, command.size());
                 }),
                 "4*4\r\n$7\r\nEVALSHA\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
}

static void a_command_has_sixteen_words_at_most(void **) {
  Command command;
  const Outcome full = outcome_of([&] {
    while (command.size() < Command::kMaxWords) command.push_back("w");
    return std::to_string(command.size());
  });
  assert_returns(full, "16");
  assert_throws(outcome_of([&] { return command.push_back("w"), std::string(); }), kInternal,
                "a command has too many words");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(words_are_framed_with_their_lengths),
      cmocka_unit_test(words_that_follow_have_no_head),
      cmocka_unit_test(words_of_commands_are_appended),
      cmocka_unit_test(a_command_has_sixteen_words_at_most),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
