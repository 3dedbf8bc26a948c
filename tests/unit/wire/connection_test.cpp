// The greeting of a new connection, what errors of the server mean, and replies that are there
// already.
#include "wire/connection.hpp"

#include "../connect_to.hpp"
#include "../outcome.hpp"
#include "wire/error_reply.hpp"

using redilock::Credentials;
using redilock::system_clock;
using redilock::WaitContext;

static WaitContext limit() {
  return {system_clock(), after(system_clock().now(), redilock::Millis(5000))};
}

// The id of a connection that is greeted with these replies, and what was asked for.
static Outcome greeted(const Credentials &credentials, std::vector<std::string> replies) {
  return outcome_of([&] {
    FakeServer fake({std::move(replies)});
    auto connection = connect_to(fake, credentials);
    return std::to_string(connection->client().number) + ", " + fake.commands();
  });
}

static void only_what_is_needed_is_asked(void **) {
  assert_returns(greeted({}, {":7\r\n"}), "7, 0:CLIENT INFO");
  assert_returns(greeted({"", "secret", 3}, {"+OK\r\n", "+OK\r\n", ":7\r\n"}),
                 "7, 0:AUTH, 0:SELECT, 0:CLIENT INFO");
  assert_returns(greeted({"user", "secret", 0}, {"+OK\r\n", ":7\r\n"}), "7, 0:AUTH, 0:CLIENT INFO");
}

static void id_may_be_kept_secret(void **) {
  assert_returns(greeted({}, {"-NOPERM no\r\n"}), "0, 0:CLIENT INFO");
  assert_returns(greeted({}, {"-ERR unknown command\r\n"}), "0, 0:CLIENT INFO");
}

static void refused_greeting_is_an_error(void **) {
  assert_throws(greeted({}, {"-NOAUTH Authentication required.\r\n"}), kAuth,
                "the server says: NOAUTH Authentication required.");
  assert_throws(greeted({"", "secret", 0}, {"-WRONGPASS bad\r\n", ":7\r\n"}), kAuth,
                "the server says: WRONGPASS bad");
  assert_throws(greeted({"", "", 99}, {"-ERR DB index is out of range\r\n", ":7\r\n"}), kServer,
                "the server says: ERR DB index is out of range");
  assert_throws(greeted({}, {"-LOADING wait\r\n"}), kServer, "the server says: LOADING wait");
  assert_throws(greeted({}, {"-BUSY wait\r\n"}), kServer, "the server says: BUSY wait");
  assert_throws(greeted({}, {FakeServer::kClose}), kUnavailable,
                "the server closed the connection");
  for (const char *odd : {"+OK\r\n", ":0\r\n", ":-7\r\n", "*0\r\n"})
    assert_int_equal(greeted({}, {odd}).status, static_cast<int32_t>(redilock::Status::kProtocol));
}

static void errors_of_the_server_have_their_meaning(void **) {
  static const struct {
    const char *text, *expected;
  } errors[] = {
      {"WRONGTYPE Operation against a key",
       "-10: the server says: WRONGTYPE Operation against a key"},
      {"OOM command not allowed", "-10 may pass: the server says: OOM command not allowed"},
      {"READONLY no", "-10 may pass: the server says: READONLY no"},
      {"LOADING wait", "-10 may pass: the server says: LOADING wait"},
      {"MISCONF disk", "-10 may pass: the server says: MISCONF disk"},
      {"ERR max number of clients reached",
       "-10 may pass: the server says: ERR max number of clients reached"},
      {"NOPERM no", "-9: the server says: NOPERM no"},
      {"ERR user_script:1: ACL failure in script",
       "-9: the server says: ERR user_script:1: ACL failure in script"},
      {"MOVED 1 h:1", "-16: the server is a cluster node, which redis:// does not support"},
      {"CROSSSLOT Keys", "-16: the server is a cluster node, which redis:// does not support"},
      {"ERR unknown command 'AUTH', with args beginning with: 'secret'",
       "-16: the server does not support a command as redilock uses it; it says: "
       "ERR unknown command 'AUTH'"},
  };
  for (const auto &one : errors)
    assert_returns(outcome_of([&] {
                     const redilock::Error error = redilock::server_error(one.text);
                     return std::to_string(static_cast<int>(error.status())) +
                            (error.retriable() ? " may pass: " : ": ") + error.message();
                   }),
                   one.expected);
}

static void replies_come_in_the_order_of_the_commands(void **) {
  assert_returns(outcome_of([] {
                   FakeServer fake({{":7\r\n", ":1\r\n:2\r\n", ":3\r\n"}});
                   auto connection = connect_to(fake);
                   std::string told;
                   told += std::to_string(connection->call({"PING"}, limit()).integer());
                   told += connection->has_more() ? " and more" : "";
                   told += " " + std::to_string(connection->receive(limit()).integer());
                   told += connection->has_more() ? " and more" : "";
                   std::vector<redilock::Reply> none;
                   connection->receive_now(none);
                   told += none.empty() ? " none" : " some";
                   return told + " " +
                          std::to_string(connection->call({"PING"}, limit()).integer());
                 }),
                 "1 and more 2 none 3");
}

// Whether it comes alone, in pieces or with more: each is the number that the reader makes of it.
static void integers_are_read_as_the_reader_does(void **) {
  const auto read = [](const std::string &bytes) {
    return outcome_of([&] {
      FakeServer fake({{":7\r\n", bytes}});
      return std::to_string(connect_to(fake)->call({"PING"}, limit()).integer());
    });
  };
  assert_returns(read(":0\r\n"), "0");
  assert_returns(read(":3\r\n"), "3");
  assert_returns(read(":-2\r\n"), "-2");
  assert_returns(read(":9223372036854775807\r\n"), "9223372036854775807");
  for (const char *odd :
       {":\r\n", ":01\r\n", ":-0\r\n", ":1x\r\n", ":9223372036854775808\r\n", ": 1\r\n"})
    assert_int_equal(read(odd).status, static_cast<int32_t>(redilock::Status::kProtocol));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_what_is_needed_is_asked),
      cmocka_unit_test(id_may_be_kept_secret),
      cmocka_unit_test(refused_greeting_is_an_error),
      cmocka_unit_test(errors_of_the_server_have_their_meaning),
      cmocka_unit_test(replies_come_in_the_order_of_the_commands),
      cmocka_unit_test(integers_are_read_as_the_reader_does),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
