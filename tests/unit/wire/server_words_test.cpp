// What becomes of a server's own words, and of a server that never ceases to talk.
#include <poll.h>
#include <sys/ioctl.h>

#include "../connect_to.hpp"
#include "../outcome.hpp"
#include "wire/connection.hpp"
#include "wire/error_reply.hpp"

using redilock::Credentials;
using redilock::Error;
using redilock::Millis;
using redilock::Ready;
using redilock::Reply;
using redilock::WaitContext;

static const std::string kId(32, 'a');

static WaitContext in_5_s() {
  return {redilock::system_clock(), after(redilock::system_clock().now(), Millis(5000))};
}

static Outcome said(const std::string &text, const Credentials &credentials = {}) {
  return outcome_of([&]() -> std::string {
    throw redilock::server_error(text, {"Redis 5.0.14", "SCAN", {}, &credentials});
  });
}

static void errors_are_told_in_the_servers_words(void **) {
  assert_throws(said("OOM command not allowed"), kServer,
                "the server says: OOM command not allowed");
  assert_throws(said("NOPERM this user"), kAuth, "the server says: NOPERM this user");
}

static void frame_of_a_script_is_left_out(void **) {
  const std::string frame = "ERR Error running script (call to f_1f8f): @user_script:";
  const Error full = redilock::server_error(frame + "6: @user_script: 6: -OOM command not allowed");
  assert_true(full.retriable());
  assert_string_equal(full.what(), "the server says: OOM command not allowed");
  assert_string_equal(redilock::server_error(frame + "1: WRONGTYPE Operation").what(),
                      "the server says: WRONGTYPE Operation");
  for (const std::string &odd : {frame, frame + "1", std::string("ERR @user_script:1: -OOM")})
    assert_string_equal(redilock::server_error(odd).what(), ("the server says: " + odd).c_str());
}

static Outcome said_of_script(const std::string &text, const char *server) {
  constexpr const char *kScript =
      "local a = redis.call('GET', KEYS[1])\n"
      "if a then redis.call('GETEX', KEYS[1], 'PX', 1) end\n"
      "return redis.call('TYPE', KEYS[1]).ok or redis.pcall('GETDEL', KEYS[1])\nreturn 1";
  return outcome_of([&]() -> std::string {
    throw redilock::server_error(text, {server, "EVALSHA", kScript, nullptr});
  });
}

static void what_the_server_lacks_is_named(void **) {
  assert_throws(
      said("ERR syntax error"), kUnsupported,
      "Redis 5.0.14 does not support SCAN as redilock uses it; it says: ERR syntax error");
  assert_throws(said("ERR wrong number of arguments for 'scan' command"), kUnsupported,
                "Redis 5.0.14 does not support SCAN as redilock uses it; it says: ERR wrong number "
                "of arguments for 'scan' command");
  assert_throws(said_of_script("ERR unknown command 'EVALSHA', with args beginning with: 'x'", ""),
                kUnsupported,
                "the server does not support EVALSHA as redilock uses it; it says: ERR unknown "
                "command 'EVALSHA'");
}

static void what_a_script_lacks_is_found_by_its_line(void **) {
  assert_throws(
      said_of_script("ERR Unknown Redis command called from script script: c0ffee, on "
                     "@user_script:2.",
                     "Redis 7.0.15"),
      kUnsupported,
      "Redis 7.0.15 does not support GETEX as redilock uses it; it says: ERR Unknown Redis command "
      "called from script script: c0ffee, on @user_script:2.");
  assert_throws(
      said_of_script("ERR Error running script (call to f_c0ffee): @user_script:3: "
                     "@user_script: 3: Unknown Redis command called from Lua script",
                     "Redis 5.0.14"),
      kUnsupported,
      "Redis 5.0.14 does not support TYPE or GETDEL as redilock uses it; it says: Unknown "
      "Redis command called from Lua script");
  for (const char *odd : {"0", "4", "5", "99999999999999999999", "x"})
    assert_throws(
        said_of_script(std::string("ERR syntax error script: f, on @user_script:") + odd,
                       "Redis 7.0.15"),
        kUnsupported,
        ((strcmp(odd, "4") == 0 || strcmp(odd, "5") == 0
              ? std::string("Redis 7.0.15 does not support a command of a script")
              : std::string("Redis 7.0.15 does not support EVALSHA")) +
         " as redilock uses it; it says: ERR syntax error script: f, on @user_script:" + odd)
            .c_str());
}

static void a_cluster_node_is_named_as_such(void **) {
  for (const char *text : {"MOVED 1 10.0.0.1:6379", "ASK 1 10.0.0.1:6379", "CROSSSLOT Keys in",
                           "CLUSTERDOWN Hash slot", "ERR SELECT is not allowed in cluster mode",
                           "ERR Script attempted to access a non local key in a cluster node"})
    assert_throws(said(text), kUnsupported,
                  "the server is a cluster node, which redis:// does not support");
}

static void arguments_are_not_repeated(void **) {
  assert_throws(said("ERR unknown command 'SCAN', with args beginning with: 'hunter2' "),
                kUnsupported,
                "Redis 5.0.14 does not support SCAN as redilock uses it; it says: ERR unknown "
                "command 'SCAN'");
}

static void tokens_are_made_unreadable(void **) {
  assert_throws(said("ERR what is redilock:" + kId + ":host/1 here"), kServer,
                "the server says: ERR what is redilock:***:host/1 here");
  assert_throws(said("ERR 'redilock:" + kId + ":a' 'redilock:" + kId.substr(0, 20)), kServer,
                "the server says: ERR 'redilock:***:a' 'redilock:***");
}

// In another case, without what stands before it in a token, and inside of other digits.
static void ids_of_tokens_are_found_anywhere(void **) {
  const std::string id = "0123456789abcdef0123456789abcdef",
                    upper = "0123456789ABCDEF0123456789ABCDEF";
  for (const std::string &text : {id, upper, "REDILOCK:" + upper.substr(0, 9), "12" + id + "34"})
    assert_false(said("ERR " + text + " here").has("12345678"));
  assert_throws(
      said("ERR no such " + id.substr(1) + ", nor redilock:12345678"), kServer,
      ("the server says: ERR no such " + id.substr(1) + ", nor redilock:12345678").c_str());
}

static void keys_stay_readable(void **) {
  assert_throws(said("WRONGTYPE redilock:1:{}:queue:job"), kServer,
                "the server says: WRONGTYPE redilock:1:{}:queue:job");
}

static void a_secret_is_left_out_wherever_it_stands(void **) {
  assert_throws(said("ERR no 'hunter2', hunter2hunter2", {"", "hunter2"}), kServer,
                "the server says: ERR no '***', ******");
  assert_throws(said("ERR no HUNTER2 or Work", {"work", "hunter2"}), kServer,
                "the server says: ERR no *** or ***");
  // What it means is read from the words as they are.
  assert_throws(said("WRONGPASS invalid", {"", "WRONGPASS"}), kAuth,
                "the server says: *** invalid");
}

static void no_escape_reaches_a_terminal(void **) {
  assert_throws(said("ERR \x1b]0;owned\x07 \xc2\x9b"), kServer,
                "the server says: ERR ?]0;owned? ??");
}

static void long_words_are_cut(void **) {
  const Outcome outcome = said(std::string(100000, 'x'));
  assert_in_range(strlen(outcome.text), 300, 350);
}

// The outcome of a greeting that is answered so.
static Outcome greeted(std::vector<std::string> replies) {
  return outcome_of([&] {
    FakeServer fake({std::move(replies)});
    connect_to(fake, {"", "hunter2", 0});
    return std::string("open");
  });
}

static void a_refused_password_is_not_told(void **) {
  assert_returns(greeted({"+OK\r\n", ":7\r\n"}), "open");
  assert_throws(greeted({"-ERR 'hunter2' is wrong\r\n", ":7\r\n"}), kServer,
                "the server says: ERR '***' is wrong");
  assert_throws(greeted({"+OK\r\n", "-NOAUTH after hunter2\r\n"}), kAuth,
                "the server says: NOAUTH after ***");
}

// More than one call takes in has arrived when it is made.
static void a_server_that_never_ceases_is_read_in_portions(void **) {
  const std::string message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n";
  constexpr size_t kMessages = 10000, kRead = 16384, kPortion = 4 * kRead;
  std::string all;
  for (size_t i = 0; i < kMessages; ++i) all += message;
  assert_returns(outcome_of([&]() -> std::string {
                   FakeServer fake({{":7\r\n", all}});
                   auto connection = connect_to(fake);
                   const WaitContext limit = in_5_s();
                   connection->send({"SUBSCRIBE", "c"}, limit);
                   int waiting = 0;
                   while (waiting < int{kPortion + kRead} && !limit.expired())
                     if (::ioctl(connection->fd(), FIONREAD, &waiting) != 0) return "no answer";
                   std::vector<Reply> replies;
                   connection->receive_now(replies);
                   if (replies.size() * message.size() > kPortion + kRead) return "all at once";
                   while (replies.size() < kMessages) {
                     if (wait_until_ready(connection->fd(), POLLIN, limit) == Ready::kDeadline)
                       return "the rest is lost";
                     connection->receive_now(replies);
                   }
                   return "in portions";
                 }),
                 "in portions");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(errors_are_told_in_the_servers_words),
      cmocka_unit_test(frame_of_a_script_is_left_out),
      cmocka_unit_test(what_the_server_lacks_is_named),
      cmocka_unit_test(what_a_script_lacks_is_found_by_its_line),
      cmocka_unit_test(a_cluster_node_is_named_as_such),
      cmocka_unit_test(arguments_are_not_repeated),
      cmocka_unit_test(tokens_are_made_unreadable),
      cmocka_unit_test(ids_of_tokens_are_found_anywhere),
      cmocka_unit_test(keys_stay_readable),
      cmocka_unit_test(a_secret_is_left_out_wherever_it_stands),
      cmocka_unit_test(no_escape_reaches_a_terminal),
      cmocka_unit_test(long_words_are_cut),
      cmocka_unit_test(a_refused_password_is_not_told),
      cmocka_unit_test(a_server_that_never_ceases_is_read_in_portions),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
