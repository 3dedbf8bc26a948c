#include "lock/push.hpp"

#include <algorithm>
#include <charconv>

#include "values/fence.hpp"
#include "values/options.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

// Takes digits from the front of `text`, and the blank or end behind them. None where there is no
// number below `end`.
std::optional<int64_t> take_number(std::string_view &text, int64_t end) {
  int64_t number = 0;
  const char *last = text.data() + text.size();
  const auto read = std::from_chars(text.data(), last, number);
  if (read.ec != std::errc() || number < 0 || number >= end) return std::nullopt;
  if (read.ptr != last && *read.ptr != ' ') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return number;
}

}  // namespace

std::optional<Push> parse_push(std::string_view payload) {
  constexpr std::string_view kNext = "next ";
  const bool is_next = payload.substr(0, kNext.size()) == kNext;
  if (is_next) payload.remove_prefix(kNext.size());
  if (payload.size() <= kTokenIdLength || payload[kTokenIdLength] != ' ') return std::nullopt;
  const std::string_view id = payload.substr(0, kTokenIdLength);
  payload.remove_prefix(kTokenIdLength + 1);
  const auto first = take_number(payload, kFenceEnd);
  const auto server_us = first ? take_number(payload, kFenceEnd) : std::nullopt;
  if (!server_us || *server_us == 0) return std::nullopt;
  if (is_next) {
    const Millis recheck_in = std::min(Millis(*first), kTtlMax);
    return Push{Push::Kind::kNext, std::string(id), 0, *server_us, recheck_in};
  }
  if (*first == 0) return std::nullopt;
  return Push{Push::Kind::kGrant, std::string(id), *first, *server_us};
}

}  // namespace redilock
