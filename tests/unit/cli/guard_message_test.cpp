// What run and its guard say to each other arrives, also from a side that has gone.
#include "guard_message.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "../outcome.hpp"

using cli::GuardMessage;
using cli::GuardSays;

namespace {

struct Ends {
  Ends() { socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds); }
  ~Ends() {
    close(fds[0]);
    if (fds[1] >= 0) close(fds[1]);
  }
  void close_other() {
    close(fds[1]);
    fds[1] = -1;
  }
  int fds[2];
};

std::string next(int fd) {
  const cli::Received received = cli::receive_message(fd);
  if (received.closed) return "closed ";
  if (!received.message) return "nothing ";
  return std::to_string(static_cast<int>(received.message->kind)) + ":" +
         std::to_string(received.message->value) + received.message->text + " ";
}

std::string next(int fd, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += next(fd);
  return all;
}

}  // namespace

static void messages_arrive_one_by_one(void **) {
  assert_returns(outcome_of([] {
                   Ends ends;
                   cli::send_message(ends.fds[1], {GuardSays::kLease, 7});
                   cli::send_message(ends.fds[1], {GuardSays::kStart, 8, 0, 0, 0, "A=b"});
                   std::string all = next(ends.fds[0], 3);
                   ends.close_other();
                   return all + next(ends.fds[0]);
                 }),
                 "2:7 0:8A=b nothing closed ");
}

// The guard ends without reading a lease that comes just then. The kernel reports the reset first.
static void last_message_of_a_side_that_left_some_unread_arrives(void **) {
  assert_returns(outcome_of([] {
                   Ends ends;
                   cli::send_message(ends.fds[0], {GuardSays::kLease, 7});
                   cli::send_message(ends.fds[1], {GuardSays::kEnded, 9});
                   ends.close_other();
                   return next(ends.fds[0], 2);
                 }),
                 "6:9 closed ");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(messages_arrive_one_by_one),
      cmocka_unit_test(last_message_of_a_side_that_left_some_unread_arrives),
  };
  return cmocka_run_group_tests_name("cli/guard_message", tests, nullptr, nullptr);
}
