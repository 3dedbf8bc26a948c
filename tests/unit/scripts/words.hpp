// The short words that tables of cases use for keys, channels, tokens and times, and their meanings.
//
// In commands: $A .. $D are tokens; $L, $Q, $F, $W and $H the five keys; $V the set of records of the
// tag {@@ED}. $c1, $c2 and $c3 are channels of subscribed clients, $plain and $shard the same with the
// slot word, $poll one of a client that polls, $dead one that nobody subscribes. $+n is the server's
// time in ms plus n, $-n minus n, and $ago n the arrival of n ms ago.
//
// In results: A .. D are tokens, a .. d their ids; a channel is its word without "$"; T is a time in us
// within the case, "old" one of the minute before, "ahead" one of the minute after; +n is a time in n ms, n a remaining time, both
// rounded up to the next of kSpans; "past" is a time in ms of the last seconds.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace script_test {

struct Word {
  const char *word, *meaning;
};

inline constexpr std::array<Word, 6> kKeyWords = {{
    {"$L", "L"},
    {"$Q", "redilock:1:{@@ED}:queue:L"},
    {"$F", "redilock:1:{@@ED}:fence"},
    {"$W", "redilock:1:{}:alive"},
    {"$V", "redilock:1:{@@ED}:alive"},
    {"$H", "redilock:1:{@@ED}:holders:L"},
}};

inline constexpr std::array<Word, 7> kChannelWords = {{
    {"$c1", "redilock:1:{}:wake:1"},
    {"$c2", "redilock:1:{}:wake:2"},
    {"$c3", "redilock:1:{}:wake:3"},
    {"$plain", "redilock:1:{@@ED}:plain:p"},
    {"$shard", "redilock:1:{@@ED}:wake:s"},
    {"$poll", "redilock:1:{}:poll:i"},
    {"$dead", "redilock:1:{}:wake:dead"},
}};

struct Span {
  int64_t ms, width;  // a time is shown as `ms` if it is less than `width` below
};
inline constexpr std::array<Span, 10> kSpans = {{{99999999999, 9000},
                                                 {180000, 9000},
                                                 {100000, 9000},
                                                 {80000, 9000},
                                                 {60000, 9000},
                                                 {30000, 9000},
                                                 {6000, 1000},
                                                 {5000, 1000},
                                                 {3000, 1000},
                                                 {1500, 900}}};

// The server's time, in us, before the commands of a case and after them.
inline int64_t started_us, ended_us;

inline void replace(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

inline std::vector<std::string> split(const std::string &text, const std::string &by) {
  std::vector<std::string> context;
  if (text.empty()) return context;
  size_t at = 0;
  for (size_t end; (end = text.find(by, at)) != text.npos; at = end + by.size())
    context.push_back(text.substr(at, end - at));
  context.push_back(text.substr(at));
  return context;
}

inline std::string id(char who) { return std::string(32, static_cast<char>(who - 'A' + 'a')); }

inline std::string token(char who) { return "redilock:" + id(who) + ":" + who; }

// Replaces each "<mark>n" by `now` + `unit` * n.
inline void put_times(std::string &text, const std::string &mark, int64_t now, int64_t unit) {
  for (size_t at = 0; (at = text.find(mark, at)) != text.npos;) {
    const char *digits = text.c_str() + at + mark.size();
    char *end = nullptr;
    const std::string time = std::to_string(now + unit * std::strtoll(digits, &end, 10));
    text.replace(at, mark.size() + static_cast<size_t>(end - digits), time);
  }
}

inline std::string filled(std::string text) {
  for (char who = 'A'; who <= 'D'; ++who) replace(text, std::string("$") + who, token(who));
  for (const Word &key : kKeyWords) replace(text, key.word, key.meaning);
  for (const Word &channel : kChannelWords) replace(text, channel.word, channel.meaning);
  put_times(text, "$ago ", started_us, -1000);
  put_times(text, "$+", started_us / 1000, 1);
  put_times(text, "$-", started_us / 1000, -1);
  return text;
}

inline std::vector<std::string> words_of(const std::string &command) {
  return split(filled(command), "|");
}

inline std::string shown(int64_t value) {
  const int64_t from_now = value - ended_us / 1000;
  if (value >= started_us && value <= ended_us) return "T";
  constexpr int64_t kNear = 60000000;
  if (value > started_us - kNear && value < started_us) return "old";
  if (value > ended_us && value < ended_us + kNear) return "ahead";
  if (from_now > -9000 && from_now <= 0) return "past";
  for (const Span &span : kSpans) {
    if (from_now > span.ms - span.width && from_now <= span.ms)
      return "+" + std::to_string(span.ms);
    if (value > span.ms - span.width && value <= span.ms) return std::to_string(span.ms);
  }
  return std::to_string(value);
}

// A number, a queue member or a message.
inline std::string shown(std::string text) {
  for (char who = 'A'; who <= 'D'; ++who) {
    replace(text, token(who), std::string(1, who));
    replace(text, id(who), std::string(1, static_cast<char>(who - 'A' + 'a')));
  }
  for (const Word &channel : kChannelWords) replace(text, channel.meaning, channel.word + 1);
  std::string all;
  for (const std::string &word : split(text, " ")) {
    char *end = nullptr;
    const int64_t value = std::strtoll(word.c_str(), &end, 10);
    all += (all.empty() ? "" : " ") + (!word.empty() && *end == '\0' ? shown(value) : word);
  }
  return all;
}

}  // namespace script_test
