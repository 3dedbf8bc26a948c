// A server in cluster mode computes the same slots: all keys of a lock are in the slot of its name.
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "../outcome.hpp"
#include "support/redis.h"
#include "values/name.hpp"
#include "values/slot.hpp"

using redilock::key_slot;
using redilock::LockKeys;

static redis_server_t *server;
static redisContext *connection;

// The server needs a port of its own for other nodes, which it never meets here. Without the option
// `cluster-port` (before Redis 7.0) it takes a fixed one, which another program may have.
static int start_cluster_node(void **) {
  server = redis_start(nullptr);
  redisReply *option = redis_command(server, "CONFIG GET cluster-port");
  const bool has_option = option->elements > 0;
  freeReplyObject(option);
  redis_stop(server);
  server = nullptr;
  if (!has_option) return 0;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto *generic = reinterpret_cast<sockaddr *>(&address);
  if (fd < 0 || bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) return -1;
  close(fd);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const char *const args[] = {"--cluster-enabled", "yes", "--cluster-port", port.c_str(), nullptr};
  server = redis_start(args);
  connection = redisConnectUnix(server->socket);
  return 0;
}

static int stop_cluster_node(void **) {
  if (connection != nullptr) redisFree(connection);
  redis_stop(server);
  return 0;
}

static std::vector<long long> slots_of(const std::vector<std::string> &keys) {
  for (const std::string &key : keys)
    redisAppendCommand(connection, "CLUSTER KEYSLOT %b", key.data(), key.size());
  std::vector<long long> slots;
  for (size_t i = 0; i < keys.size(); ++i) {
    redisReply *reply = nullptr;
    if (redisGetReply(connection, reinterpret_cast<void **>(&reply)) != REDIS_OK) abort();
    slots.push_back(reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1);
    freeReplyObject(reply);
  }
  return slots;
}

static void need_cluster_node() {
  if (server != nullptr) return;
  print_message("skipped: this server cannot choose its port for other nodes of a cluster\n");
  skip();
}

// Counts names with a key that the server has in another slot.
static int count_wrong(const std::vector<std::string> &names) {
  std::vector<std::string> keys;
  for (const std::string &name : names) {
    const LockKeys of("", name);
    const auto word = redilock::slot_word(key_slot(name));
    const std::string alive = "redilock:1:{" + std::string(word.data(), word.size()) + "}:alive";
    for (const std::string_view key : {of.lock(), of.queue(), of.fence(), of.holders()})
      keys.emplace_back(key);
    keys.push_back(alive);
  }
  const std::vector<long long> slots = slots_of(keys);
  const size_t keys_per_name = keys.size() / names.size();
  int wrong = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    bool agrees = true;
    for (size_t k = 0; k < keys_per_name; ++k)
      agrees = agrees && slots[i * keys_per_name + k] == key_slot(names[i]);
    wrong += agrees ? 0 : 1;
  }
  return wrong;
}

// Names of random letters, of one of these alphabets.
static std::vector<std::string> random_names(size_t count, const std::string &alphabet,
                                             size_t shortest, size_t longest) {
  static std::mt19937 random(20260101);
  std::vector<std::string> names(count);
  for (std::string &name : names) {
    const size_t size = std::uniform_int_distribution<size_t>(shortest, longest)(random);
    std::uniform_int_distribution<size_t> letter(0, alphabet.size() - 1);
    while (name.size() < size) name += alphabet[letter(random)];
  }
  return names;
}

static const char kLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789:-_./";

static void plain_names(void **) {
  need_cluster_node();
  assert_int_equal(count_wrong(random_names(4000, kLetters, 1, 40)), 0);
}

static void names_with_hash_tags(void **) {
  need_cluster_node();
  std::vector<std::string> names = random_names(2000, kLetters, 1, 20);
  const auto heads = random_names(2000, kLetters, 0, 10), tails = random_names(2000, "}{ab", 0, 10);
  for (size_t i = 0; i < names.size(); ++i) names[i] = heads[i] + "{" + names[i] + "}" + tails[i];
  assert_int_equal(count_wrong(names), 0);
}

static void names_of_braces(void **) {
  need_cluster_node();
  assert_int_equal(count_wrong(random_names(2000, "{}a", 1, 12)), 0);
}

static void names_of_any_bytes(void **) {
  need_cluster_node();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  assert_int_equal(count_wrong(random_names(1500, bytes, 1, 60)), 0);
}

static void longest_names(void **) {
  need_cluster_node();
  assert_int_equal(count_wrong(random_names(300, kLetters, 1024, 1024)), 0);
  assert_int_equal(count_wrong(random_names(200, std::string(kLetters) + "{}", 1024, 1024)), 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(plain_names),     cmocka_unit_test(names_with_hash_tags),
      cmocka_unit_test(names_of_braces), cmocka_unit_test(names_of_any_bytes),
      cmocka_unit_test(longest_names),
  };
  return cmocka_run_group_tests(tests, start_cluster_node, stop_cluster_node);
}
