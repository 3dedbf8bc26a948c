// A table of cases for one Lua script on a real server: what stands there before, the reply, what
// stands there afterwards, and what was pushed on the wake channels c1 and c2. "dead" has no
// subscriber.
//
// In tables: $A .. $D are tokens, $L the lock key, $Q the queue, $F the fence counter, $W the
// client records; $fresh, $stale and $far are times for them. In results the tokens are A .. D, a
// number that is a server's time of now is T, the lease of 100000 ms, fresh, is 100000, and a time
// in the client records is alive (just renewed), near, far or past.
#pragma once

#include <cinttypes>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "../outcome.hpp"
#include "scripts/embedded.hpp"
#include "support/redis.h"

namespace script_test {

struct Case {
  const char *what;
  std::vector<const char *> before;
  std::vector<const char *> keys;
  std::vector<const char *> arguments;
  const char *reply;
  const char *after;
  const char *pushed;
};

inline redis_server_t *server;
inline redisContext *subscriber;

inline int64_t server_us() {
  redisReply *time = redis_command(server, "TIME");
  const int64_t now = std::strtoll(time->element[0]->str, nullptr, 10) * 1000000 +
                      std::strtoll(time->element[1]->str, nullptr, 10);
  freeReplyObject(time);
  return now;
}

inline std::string token(char who) {
  const std::string digits(32, static_cast<char>(who - 'A' + 'a'));
  return "redilock:" + digits + ":" + who;
}

inline void replace(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

inline std::string filled(std::string text) {
  const int64_t now_ms = server_us() / 1000;
  for (char who = 'A'; who <= 'D'; ++who) replace(text, std::string("$") + who, token(who));
  replace(text, "$L", "L");
  replace(text, "$Q", "redilock:1:{}:queue:L");
  replace(text, "$F", "redilock:1:{}:fence");
  replace(text, "$W", "redilock:1:{}:alive:L");
  replace(text, "$fresh", std::to_string(now_ms + 3000));
  replace(text, "$stale", std::to_string(now_ms - 1));
  replace(text, "$far", std::to_string(now_ms + 60000));
  return text;
}

inline int64_t started_us;

inline std::string number(int64_t value) {
  if (value >= started_us && value <= server_us()) return "T";
  const int64_t ms = server_us() / 1000;
  if (value > ms + 4000 && value <= ms + 6000) return "alive";
  if (value > ms && value <= ms + 4000) return "near";
  if (value > ms + 30000 && value <= ms + 60000) return "far";
  if (value > ms - 4000 && value <= ms) return "past";
  if (value > 90000 && value <= 100000) return "100000";
  if (value > 50000 && value <= 60000) return "60000";
  return std::to_string(value);
}

// Words of which some may be numbers.
inline std::string text_of(std::string text) {
  for (char who = 'A'; who <= 'D'; ++who) replace(text, token(who), std::string(1, who));
  for (char who = 'a'; who <= 'd'; ++who) replace(text, std::string(32, who), std::string(1, who));
  char *end = nullptr;
  const int64_t value = std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' ? number(value) : text;
}

inline std::string shown(const redisReply *reply) {
  if (reply->type == REDIS_REPLY_INTEGER) return number(reply->integer);
  if (reply->type == REDIS_REPLY_NIL) return "nil";
  const std::string text = reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  if (reply->type == REDIS_REPLY_ERROR) return "error " + text.substr(0, text.find(' '));
  if (reply->type != REDIS_REPLY_ARRAY) return text_of(text);
  std::string all;
  for (size_t i = 0; i < reply->elements; ++i)
    all += (i == 0 ? "" : " ") + shown(reply->element[i]);
  return "[" + all + "]";
}

inline std::string ask(const std::vector<std::string> &words) {
  std::vector<const char *> bytes;
  std::vector<size_t> lengths;
  for (const std::string &word : words) {
    bytes.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisContext *connection = redisConnectUnix(server->socket);
  auto *reply = static_cast<redisReply *>(
      redisCommandArgv(connection, static_cast<int>(words.size()), bytes.data(), lengths.data()));
  const std::string text = shown(reply);
  freeReplyObject(reply);
  redisFree(connection);
  return text;
}

// Words are parted by "|".
inline std::string ask(const std::string &command) {
  std::vector<std::string> words;
  for (size_t at = 0; at < command.size();) {
    const size_t end = std::min(command.find('|', at), command.size());
    words.push_back(command.substr(at, end - at));
    at = end + 1;
  }
  return ask(words);
}

// Every key, by its name, with what is in it; and how long it lives if that is not for ever.
inline std::string state() {
  static const struct {
    const char *key, *name, *type, *read;
  } keys[] = {
      {"$L", "lock", "string", "GET|$L"},
      {"$Q", "queue", "zset", "ZRANGE|$Q|0|-1|WITHSCORES"},
      {"$F", "fence", "string", "GET|$F"},
      {"$W", "alive", "hash", "HGETALL|$W"},
  };
  std::string all;
  for (const auto &one : keys) {
    const std::string type = ask(filled(std::string("TYPE|") + one.key));
    if (type == "none") continue;
    const std::string pttl = ask(filled(std::string("PTTL|") + one.key));
    all += (all.empty() ? "" : "; ") + std::string(one.name) + " ";
    all += type == one.type ? ask(filled(one.read)) : type;
    if (pttl != "-1") all += " " + pttl;
  }
  return all;
}

// What was published since the last call, up to a mark of our own.
inline std::string pushed() {
  redis_do(server, "PUBLISH c1 end");
  std::string all;
  for (;;) {
    redisReply *message = nullptr;
    if (redisGetReply(subscriber, reinterpret_cast<void **>(&message)) != REDIS_OK) std::abort();
    std::string text = message->element[2]->str == nullptr ? "" : message->element[2]->str;
    const std::string channel = message->element[1]->str;
    freeReplyObject(message);
    if (text == "end") return all;
    std::string words;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
      words += (words.empty() ? "" : " ") + text_of(text.substr(at, end - at));
      at = end + 1;
    }
    all += (all.empty() ? "" : ", ") + channel + ": " + words;
  }
}

inline std::string run(std::string_view script, const Case &one) {
  std::vector<std::string> words{"EVAL", std::string(script), std::to_string(one.keys.size())};
  for (const char *key : one.keys) words.push_back(filled(key));
  for (const char *argument : one.arguments) words.push_back(filled(argument));
  return ask(words);
}

inline void check(std::string_view script, const std::vector<Case> &cases) {
  const Outcome wrong = outcome_of([&] {
    std::string all;
    for (const Case &one : cases) {
      redis_do(server, "FLUSHALL");
      started_us = server_us();
      for (const char *command : one.before) {
        const std::string reply = ask(filled(command));
        if (reply.compare(0, 5, "error") == 0) all += std::string(command) + ": " + reply + "\n";
      }
      const std::string reply = run(script, one), left = state(), told = pushed();
      if (reply != one.reply) all += std::string(one.what) + ": replies " + reply + "\n";
      if (left != one.after) all += std::string(one.what) + ": leaves " + left + "\n";
      if (told != one.pushed) all += std::string(one.what) + ": pushes " + told + "\n";
    }
    return all;
  });
  assert_returns(wrong, "");
}

inline int start(void **) {
  server = redis_start(nullptr);
  subscriber = redisConnectUnix(server->socket);
  for (const char *channel : {"c1", "c2"}) {
    auto *reply = static_cast<redisReply *>(redisCommand(subscriber, "SUBSCRIBE %s", channel));
    if (reply == nullptr) return -1;
    freeReplyObject(reply);
  }
  return 0;
}

inline int stop(void **) {
  redisFree(subscriber);
  redis_stop(server);
  return 0;
}

}  // namespace script_test
