// What a new connection learns from the first replies: which servers are refused and why, and by
// which id and address the server knows the connection.
#include "wire/greeting.hpp"

#include "../connect_to.hpp"
#include "../outcome.hpp"

using redilock::Credentials;
using redilock::Reply;
using redilock::ReplyReader;

static const std::string kClose = FakeServer::kClose, kUnknown = "-ERR unknown command 'HELLO'\r\n";

static std::string bulk(const std::string &text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

static std::string hello(const std::string &server, const std::string &version,
                         const std::string &mode) {
  return "*6\r\n" + bulk("server") + bulk(server) + bulk("version") + bulk(version) + bulk("mode") +
         bulk(mode);
}

// The outcome of a greeting with this reply to HELLO, and the others in their order.
static Outcome greeted(const std::string &hello, std::vector<std::string> replies,
                       const Credentials &credentials = {}) {
  return outcome_of([&] {
    FakeServer fake({std::move(replies)}, hello);
    auto connection = connect_to(fake, credentials);
    return connection->server() + " " + std::to_string(connection->client().number) + " " +
           connection->client().address + ", " + fake.commands();
  });
}

static void server_is_known_from_hello(void **) {
  assert_returns(greeted(FakeServer::kHello, {":7\r\n"}),
                 "Redis 7.0.15 7 10.0.0.1:7, 0:CLIENT INFO");
  assert_returns(greeted(hello("valkey", "8.1.0", "standalone"), {":7\r\n"}),
                 "Valkey 8.1.0 7 10.0.0.1:7, 0:CLIENT INFO");
  assert_returns(greeted(hello("\x1b[31m", std::string(100, '.'), "standalone"), {":7\r\n"}),
                 "?[31m ....................... 7 10.0.0.1:7, 0:CLIENT INFO");
}

// Of a server with versions of its own.
static void version_behind_hello_is_not_judged(void **) {
  assert_returns(greeted(hello("other", "1.2", "standalone"), {":7\r\n"}),
                 "other 1.2 7 10.0.0.1:7, 0:CLIENT INFO");
}

static void server_without_hello_is_asked_for_info(void **) {
  const char *const no_info = "-ERR unknown subcommand 'INFO'. Try CLIENT HELP.\r\n";
  assert_returns(greeted(kUnknown, {no_info, bulk("# Server\r\nredis_version:5.0.14\r\n"
                                                  "redis_mode:standalone\r\n")}),
                 "Redis 5.0.14 0 , 0:CLIENT INFO, 0:INFO");
  assert_throws(greeted(kUnknown, {no_info, bulk("# Server\r\nredis_version:4.0.14\r\n")}),
                kUnsupported, "redilock needs Redis 5.0 or later, this is 4.0.14");
  assert_throws(greeted(kUnknown, {no_info, bulk("redis_version:5.0.3\r\nredis_mode:cluster\r\n")}),
                kUnsupported, "the server is a cluster node, which redis:// does not support");
  assert_throws(
      greeted(kUnknown, {no_info, bulk("redis_version:5.0.3\r\nredis_mode:sentinel\r\n")}),
      kUnsupported, "the server is a Sentinel, which keeps no locks; connect to the primary");
}

static void server_that_says_nothing_of_itself_is_used(void **) {
  assert_returns(greeted(kUnknown, {"-ERR unknown command\r\n", "-ERR unknown command\r\n"}),
                 " 0 , 0:CLIENT INFO, 0:INFO");
  assert_returns(greeted("-NOPERM no\r\n", {"-NOPERM no\r\n", "-NOPERM no\r\n"}),
                 " 0 , 0:CLIENT INFO, 0:INFO");
}

static void cluster_node_is_refused(void **) {
  const std::string in_cluster = hello("redis", "7.0.15", "cluster");
  const char *const why = "the server is a cluster node, which redis:// does not support";
  assert_throws(greeted(in_cluster, {":7\r\n"}), kUnsupported, why);
  assert_throws(greeted(in_cluster, {"-ERR SELECT is not allowed in cluster mode\r\n", ":7\r\n"},
                        {"", "", 3}),
                kUnsupported, why);
  assert_throws(
      greeted(kUnknown,
              {"-ERR SELECT is not allowed in cluster mode\r\n", "-ERR no\r\n", "-ERR no\r\n"},
              {"", "", 3}),
      kUnsupported, why);
}

static void sentinel_is_refused(void **) {
  const std::string sentinel = hello("redis", "7.0.15", "sentinel");
  const char *const why = "the server is a Sentinel, which keeps no locks; connect to the primary";
  assert_throws(greeted(sentinel, {":7\r\n"}), kUnsupported, why);
  assert_throws(greeted(sentinel, {"-ERR unknown command 'SELECT'\r\n", ":7\r\n"}, {"", "", 3}),
                kUnsupported, why);
}

static void first_refusal_counts(void **) {
  assert_throws(greeted("-NOAUTH HELLO must be called with\r\n", {"-NOAUTH Authentication\r\n"}),
                kAuth, "the server says: NOAUTH Authentication");
  assert_throws(greeted("-NOAUTH HELLO must be called with\r\n",
                        {"-WRONGPASS bad\r\n", "-NOAUTH Authentication\r\n"}, {"", "secret", 0}),
                kAuth, "the server says: WRONGPASS bad");
  assert_throws(greeted("-NOAUTH HELLO must be called with\r\n", {":7\r\n"}), kAuth,
                "the server says: NOAUTH HELLO must be called with");
  assert_throws(greeted(FakeServer::kHello, {"-ERR max number of clients reached\r\n", kClose},
                        {"", "secret", 0}),
                kServer, "the server says: ERR max number of clients reached");
  assert_throws(greeted("-DENIED Redis is running in protected mode\r\n", {kClose}), kAuth,
                "the server says: DENIED Redis is running in protected mode");
  assert_throws(greeted("-LOADING wait\r\n", {":7\r\n"}), kServer, "the server says: LOADING wait");
  assert_throws(greeted(kUnknown, {"-ERR no\r\n", "-LOADING wait\r\n"}), kServer,
                "the server says: LOADING wait");
}

static void user_name_and_password_are_not_shown(void **) {
  assert_throws(
      greeted(FakeServer::kHello, {"-ERR worker, hunter2\r\n", ":7\r\n"}, {"worker", "hunter2", 0}),
      kServer, "the server says: ERR ***, ***");
  assert_throws(
      greeted(FakeServer::kHello, {"-ERR workers co-work\r\n", ":7\r\n"}, {"work", "hunter2", 0}),
      kServer, "the server says: ERR workers co-***");
}

// ---------------------------------------------------------------- CLIENT INFO

static Outcome parsed(const std::string &bytes) {
  return outcome_of([&] {
    ReplyReader reader;
    reader.feed(bytes.data(), bytes.size());
    const redilock::ClientId id = redilock::parse_client_info(*reader.next());
    return std::to_string(id.number) + " " + id.address;
  });
}

static void id_and_address_are_read(void **) {
  assert_returns(parsed(bulk("id=7 addr=127.0.0.1:50312 laddr=127.0.0.1:6379 fd=8 name= age=0\n")),
                 "7 127.0.0.1:50312");
  assert_returns(parsed(bulk("id=9223372036854775807 addr=[::1]:1 laddr=[::1]:2 fd=8\n")),
                 "9223372036854775807 [::1]:1");
  assert_returns(parsed(bulk("id=7 addr=/var/my run/redis.sock:0 laddr=/var/my run/redis.sock:0 "
                             "fd=8\n")),
                 "7 /var/my run/redis.sock:0");
  assert_returns(parsed(bulk("id=7 addr=10.0.0.1:5 fd=8 name=laddr\n")), "7 10.0.0.1:5");
  assert_returns(parsed(bulk("addr=10.0.0.1:5 id=7")), "7 10.0.0.1:5");
}

static void other_lines_are_not_understood(void **) {
  const std::string lines[] = {"",
                               "7",
                               "id=7",
                               "addr=10.0.0.1:5",
                               "id=0 addr=10.0.0.1:5 fd=8",
                               "id=-7 addr=10.0.0.1:5 fd=8",
                               "id=7x addr=10.0.0.1:5 fd=8",
                               "id=9223372036854775808 addr=10.0.0.1:5 fd=8",
                               "id=7 laddr=10.0.0.1:5 fd=8",
                               "id=7 addr= laddr=10.0.0.1:5 fd=8",
                               "id=7\naddr=10.0.0.1:5 fd=8",
                               std::string("id=7 addr=10.0\0.1:5 fd=8", 24),
                               "id=7 addr=10.0.0.1:5 fd=8 laddr=x",
                               "id=7 addr=\x1b[31m:5 fd=8",
                               "id=7 addr=" + std::string(257, 'a') + " fd=8"};
  for (const std::string &line : lines)
    assert_throws(parsed(bulk(line)), kProtocol,
                  "the server does not answer CLIENT INFO as it should");
  for (const char *bytes : {":7\r\n", "+id=7 addr=10.0.0.1:5\r\n", "$-1\r\n", "*0\r\n"})
    assert_throws(parsed(bytes), kProtocol, "the server does not answer CLIENT INFO as it should");
}

// ---------------------------------------------------------------- other peers

static void peers_that_are_no_redis_are_named_as_such(void **) {
  static const struct {
    const char *says, *expected;
  } peers[] = {
      {"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
       "this is not a Redis server; it says \"HTTP/1.1 400 Bad Request\""},
      {"SSH-2.0-OpenSSH_9.2p1\r\n",
       "this is not a Redis server; it says \"SSH-2.0-OpenSSH_9.2p1\""},
      {"ERROR\r\nERROR\r\n", "this is not a Redis server; it says \"ERROR\""},
      {"+OK POP3 ready\r\n-ERR\r\n", "this is not a Redis server; it says \"+OK POP3 ready\""},
      {"* OK IMAP4rev1\r\n", "this is not a Redis server; it says \"* OK IMAP4rev1\""},
      {"220 mail ESMTP\r\n", "this is not a Redis server; it says \"220 mail ESMTP\""},
      {"*1\r\n$5\r\nHELLO\r\n*2\r\n", "this is not a Redis server; it says \"*1\""},
      {"\x15\x03\x01", "this is not a Redis server; it speaks TLS; it says \"???\""},
      {":7\r\n", "this is not a Redis server; it says \":7\""},
  };
  for (const auto &peer : peers)
    assert_throws(greeted(peer.says, {FakeServer::kSilent}), kProtocol, peer.expected);
  assert_throws(
      greeted("x" + std::string(1000, 'y') + "\r\n", {FakeServer::kSilent}), kProtocol,
      ("this is not a Redis server; it says \"x" + std::string(59, 'y') + "...\"").c_str());
}

// It comes in pieces, and the password may be cut in two.
static void what_another_peer_says_has_no_secrets(void **) {
  const Credentials credentials{"worker", "hunter2", 0};
  for (const char *says : {"Xhunter2 worker\r\n", "Xhunter2 worker", "Xhunter2 work"})
    assert_int_equal(
        strncmp(greeted(FakeServer::kHello, {says, FakeServer::kSilent}, credentials).text,
                "this is not a Redis server; it says \"X*** ", 42),
        0);
  assert_throws(greeted(FakeServer::kSilent, {"Xhunt", FakeServer::kSilent}, credentials),
                kProtocol, "this is not a Redis server; it says \"X\"");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(server_is_known_from_hello),
      cmocka_unit_test(version_behind_hello_is_not_judged),
      cmocka_unit_test(server_without_hello_is_asked_for_info),
      cmocka_unit_test(server_that_says_nothing_of_itself_is_used),
      cmocka_unit_test(cluster_node_is_refused),
      cmocka_unit_test(sentinel_is_refused),
      cmocka_unit_test(first_refusal_counts),
      cmocka_unit_test(user_name_and_password_are_not_shown),
      cmocka_unit_test(id_and_address_are_read),
      cmocka_unit_test(other_lines_are_not_understood),
      cmocka_unit_test(peers_that_are_no_redis_are_named_as_such),
      cmocka_unit_test(what_another_peer_says_has_no_secrets),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
