// Runs a table of cases for one Lua script on a real server: the commands before it, its reply, the
// keys after it, and the messages that it publishes. "|" separates words and " & " commands; words.hpp
// explains the short words.
#pragma once

#include <string_view>

#include "../outcome.hpp"
#include "scripts/embedded.hpp"
#include "support/needs.h"
#include "support/redis.h"
#include "words.hpp"

namespace script_test {

inline constexpr const char *kAllKeys = "$L|$Q|$F|$W|$H";

struct Case {
  const char *what;
  const char *before;
  const char *arguments;
  const char *reply;
  const char *after;
  const char *pushed = "";
};

inline redis_server_t *server;
inline redisContext *connection, *subscriber;
inline bool sharded;  // whether the server has sharded channels

inline void send(const std::vector<std::string> &words) {
  std::vector<const char *> bytes;
  std::vector<size_t> lengths;
  for (const std::string &word : words) {
    bytes.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisAppendCommandArgv(connection, static_cast<int>(words.size()), bytes.data(), lengths.data());
}

// Before Redis 7.0 the error of a command follows the place in the script, with a dash if it is twice.
inline std::string code_of(const std::string &error) {
  size_t at = error.rfind("@user_script");
  if (error.compare(0, 24, "ERR Error running script") != 0 || at == std::string::npos) at = 0;
  at = error.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", at);
  return at == std::string::npos ? error : error.substr(at, error.find(' ', at) - at);
}

inline std::string shown(const redisReply *reply) {
  if (reply->type == REDIS_REPLY_INTEGER) return shown(int64_t{reply->integer});
  if (reply->type == REDIS_REPLY_NIL) return "nil";
  const std::string text = reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  if (reply->type == REDIS_REPLY_ERROR) return "error " + code_of(text);
  if (reply->type != REDIS_REPLY_ARRAY) return shown(text);
  std::string all;
  for (size_t i = 0; i < reply->elements; ++i)
    all += (i == 0 ? "" : " ") + shown(reply->element[i]);
  return "[" + all + "]";
}

// A reply or a message; the caller frees it.
inline redisReply *read_raw(redisContext *from) {
  redisReply *reply = nullptr;
  if (redisGetReply(from, reinterpret_cast<void **>(&reply)) != REDIS_OK) std::abort();
  return reply;
}

inline std::string read_shown() {
  redisReply *reply = read_raw(connection);
  std::string text = shown(reply);
  freeReplyObject(reply);
  return text;
}

inline std::string ask(const std::string &command) {
  send(words_of(command));
  return read_shown();
}

inline int64_t read_time() {
  redisReply *time = read_raw(connection);
  const int64_t now = std::strtoll(time->element[0]->str, nullptr, 10) * 1000000 +
                      std::strtoll(time->element[1]->str, nullptr, 10);
  freeReplyObject(time);
  return now;
}

// Every key, by its name, with its content; and its remaining time if it expires.
inline std::string state() {
  static constexpr struct {
    const char *key, *name, *type, *read;
  } kKeys[] = {
      {"$L", "lock", "string", "GET|$L"},
      {"$Q", "queue", "zset", "ZRANGE|$Q|0|-1|WITHSCORES"},
      {"$F", "fence", "string", "GET|$F"},
      {"$W", "alive", "zset", "ZRANGE|$W|0|-1|WITHSCORES"},
      {"$V", "tagged", "zset", "ZRANGE|$V|0|-1|WITHSCORES"},
      {"$H", "holders", "zset", "ZRANGE|$H|0|-1|WITHSCORES"},
  };
  std::string all;
  for (const auto &one : kKeys) {
    const std::string type = ask(std::string("TYPE|") + one.key);
    if (type == "none") continue;
    const std::string pttl = ask(std::string("PTTL|") + one.key);
    all += (all.empty() ? "" : "; ") + std::string(one.name) + " ";
    all += type == one.type ? ask(one.read) : type;
    if (pttl != "-1") all += " " + pttl;
  }
  return all;
}

// The messages since the last call, up to a mark that this function publishes.
inline std::string pushed() {
  ask("PUBLISH|$c1|end");
  std::string all;
  for (;;) {
    redisReply *message = read_raw(subscriber);
    const std::string channel = message->element[1]->str, text = message->element[2]->str;
    freeReplyObject(message);
    if (text == "end") return all;
    all += (all.empty() ? "" : ", ") + shown(channel) + ": " + shown(text);
  }
}

inline void send_script(std::string_view script, const std::string &keys,
                        const std::string &arguments) {
  const auto key_words = words_of(keys);
  std::vector<std::string> words{"EVAL", std::string(script), std::to_string(key_words.size())};
  words.insert(words.end(), key_words.begin(), key_words.end());
  for (std::string &argument : words_of(arguments)) words.push_back(std::move(argument));
  send(words);
}

// Empties the server and sends all commands of a case at once, so that little time passes between
// them. Returns the errors of the commands before the script, with `reply` as the script's.
inline std::string run(std::string_view script, const char *keys, const Case &one,
                       std::string &reply) {
  send({"FLUSHALL"});
  send({"TIME"});
  freeReplyObject(read_raw(connection));
  started_us = read_time();
  const auto before = split(one.before, " & ");
  for (const std::string &command : before) send(words_of(command));
  send_script(script, keys, one.arguments);
  send({"TIME"});
  std::string errors;
  for (const std::string &command : before) {
    const std::string got = read_shown();
    if (got.compare(0, 5, "error") == 0) errors += command + ": " + got + "\n";
  }
  redisReply *raw = read_raw(connection);
  ended_us = read_time();
  reply = shown(raw);
  freeReplyObject(raw);
  return errors;
}

// Returns what is wrong with one case. If more time passed than `kMostUs`, the ages are not those of
// the case, so it runs again.
inline std::string check_one(std::string_view script, const char *keys, const Case &one) {
  constexpr int64_t kMostUs = 40000;
  std::string wrong;
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::string reply;
    wrong = run(script, keys, one, reply);
    const std::string left = state(), messages = pushed();
    if (reply != one.reply) wrong += std::string(one.what) + ": replies " + reply + "\n";
    if (left != one.after) wrong += std::string(one.what) + ": leaves " + left + "\n";
    if (messages != one.pushed) wrong += std::string(one.what) + ": pushes " + messages + "\n";
    if (ended_us - started_us <= kMostUs) break;
  }
  return wrong;
}

inline void check(std::string_view script, const char *keys, const std::vector<Case> &cases) {
  const Outcome wrong = outcome_of([&] {
    std::string all;
    for (const Case &one : cases) {
      const std::string asked = std::string(one.before) + "|" + one.arguments;
      if (sharded || asked.find("$shard") == std::string::npos)
        all += check_one(script, keys, one);
      else
        print_message("skipped: rows about sharded channels, which this server lacks\n");
    }
    return all;
  });
  assert_returns(wrong, "");
}

inline int start(void **) {
  server = redis_start(nullptr);
  connection = redisConnectUnix(server->socket);
  subscriber = redisConnectUnix(server->socket);
  sharded = redis_accepts(server, "PUBSUB SHARDCHANNELS");
  for (const char *channel : {"$c1", "$c2", "$c3", "$plain", "$shard"}) {
    if (channel[1] == 's' && !sharded) continue;
    const char *command = channel[1] == 's' ? "SSUBSCRIBE %s" : "SUBSCRIBE %s";
    auto *reply =
        static_cast<redisReply *>(redisCommand(subscriber, command, filled(channel).c_str()));
    if (reply == nullptr || reply->type == REDIS_REPLY_ERROR) return -1;
    freeReplyObject(reply);
  }
  return 0;
}

inline int stop(void **) {
  redisFree(connection);
  redisFree(subscriber);
  redis_stop(server);
  return 0;
}

}  // namespace script_test
