#include "lock/commands.hpp"

#include <algorithm>
#include <charconv>

#include "lock/releasing.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "scripts/embedded.hpp"
#include "values/name.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr std::string_view kScanCount = "500";  // keys that the server looks at for one page

// An error is a key of another type.
bool is_held_value(const Reply &value) {
  if (value.is_error()) return false;
  const std::string &text = value.text();
  if (text == kSharedValue || text == kRestValue) return true;
  return is_token(text);  // the caller reads no label
}

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

namespace requests {

const Script kAcquire{scripts::acquire, scripts::acquire_sha1, 2};
const Script kRelease{scripts::release, scripts::release_sha1};
const Script kExtend{scripts::extend, scripts::extend_sha1};
const Script kForceRelease{scripts::force_release, scripts::force_release_sha1};
const Script kInfo{scripts::info, scripts::info_sha1};
const Script kBeat{scripts::beat, scripts::beat_sha1};
const Script kCheck{scripts::check, scripts::check_sha1};

}  // namespace requests

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

AcquireReply Commands::acquire(const Claim &claim, bool with_all_keys, const Limit &limit) {
  return read_acquire(requests::acquire(claim, with_all_keys, waiting(limit)), claim, false);
}

AcquireReply Commands::queue(const Claim &claim, int64_t arrival, const Limit &limit) {
  return read_acquire(requests::queue(claim, arrival, waiting(limit)), claim, true);
}

void Commands::leave(const Claim &claim, const Limit &limit) {
  Releasing leaving(claim);
  run(leaving, limit);
  if (leaving.failure()) throw Unanswered(*leaving.failure());
}

std::vector<std::string> Commands::list(bool held, const std::string &pattern, std::string &cursor,
                                        const Limit &limit) {
  return held ? list_held(pattern, cursor, limit) : list_waited_for(pattern, cursor, limit);
}

// Any value that starts like a token counts, whatever its label.
std::vector<std::string> Commands::list_held(const std::string &pattern, std::string &cursor,
                                             const Limit &limit) {
  std::vector<std::string> keys = scan(pattern, "string", cursor, limit);
  const auto is_too_long = [](const std::string &key) { return key.size() > kNameMax; };
  keys.erase(std::remove_if(keys.begin(), keys.end(), is_too_long), keys.end());
  std::vector<Command> reads;
  reads.reserve(keys.size());
  const std::string last = std::to_string(kReserved.size() + kTokenIdLength);
  for (const std::string &key : keys) reads.push_back({"GETRANGE", key, "0", last});
  const std::vector<Reply> values = server_.read_all(reads, limit);
  std::vector<std::string> held;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (is_held_value(values[i])) held.push_back(std::move(keys[i]));
  }
  return held;
}

std::vector<std::string> Commands::list_waited_for(const std::string &pattern, std::string &cursor,
                                                   const Limit &limit) {
  std::vector<std::string> names;
  for (const std::string &key : scan(queue_pattern(pattern), "zset", cursor, limit)) {
    const std::string_view name = lock_key_of_queue(key);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

// One page of keys. Redis 5.0 knows no TYPE; the caller copes with keys of other types.
std::vector<std::string> Commands::scan(const std::string &pattern, std::string_view type,
                                        std::string &cursor, const Limit &limit) {
  const auto page = [&](std::string_view count) {
    try {
      return scan_page({"SCAN", cursor, "MATCH", pattern, "COUNT", count, "TYPE", type}, cursor,
                       limit);
    } catch (const Error &error) {
      if (error.status() != Status::kUnsupported && error.status() != Status::kServer) throw;
    }
    return scan_page({"SCAN", cursor, "MATCH", pattern, "COUNT", count}, cursor, limit);
  };
  try {
    return page(kScanCount);
  } catch (const Error &error) {
    if (error.status() != Status::kProtocol) throw;
  }
  // The page may have been too long: others may give their keys names of megabytes.
  return page("1");
}

std::vector<std::string> Commands::scan_page(const Command &command, std::string &cursor,
                                             const Limit &limit) {
  return read_page(server_.run(command, limit).reply, cursor);
}

}  // namespace redilock
