// The scripts as typed calls: what goes in, what comes out, and how a repeated answer is to be
// read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "values/options.hpp"
#include "wire/server.hpp"

namespace redilock {

// Fences and arrivals, and times in microseconds, are below this.
inline constexpr int64_t kFenceEnd = int64_t{1} << 53;

struct LockKeys {
  LockKeys(std::string_view prefix, std::string_view name);
  std::string lock, queue;
};

// What one attempt to hold a lock is known by.
struct Claim {
  LockKeys keys;
  std::string token;
  Millis ttl;
  bool fence = true;
  bool queued = false;  // a request to queue may have reached the server
};

struct Granted {
  int64_t fence;
  Instant anchor;  // the lease counts from here
};

struct Held {
  bool ask_again;  // dead waiters stood in the way, and some are left
};

struct Queued {
  std::optional<Millis> holder_ttl;  // none for a holder without expiry
  int64_t rank;                      // 0 is the head
  int64_t arrival;
  int64_t server_us;
  bool foreign;    // the holder is no redilock client
  bool joined;     // it was not in the queue before, or that is not known
  bool ask_again;  // the lock is free, but dead waiters stand in the way
  Instant sent;
};

using AcquireReply = std::variant<Granted, Held, Queued>;

// A grant told over the wake channel.
struct Push {
  std::string id;  // the token's
  int64_t fence;
  int64_t grant_us;
};

std::optional<Push> parse_push(std::string_view payload);

struct LockInfo {
  bool exists = false;
  bool foreign = false;
  std::string label;
  int64_t remaining_ms = 0;  // -1: never expires
  int64_t waiters = 0;
  std::vector<std::string> waiter_labels;
};

class Commands {
 public:
  explicit Commands(Server &server) : server_(server) {}

  AcquireReply acquire(const Claim &claim, const Limit &limit);
  // As acquire, or else joins or stays in the queue. arrival: 0 for a new place.
  AcquireReply queue(const Claim &claim, std::string_view channel, int64_t arrival,
                     const Limit &limit);
  // Both say whether the token held the lock. After an unheard first request "not there" counts as
  // done.
  bool release(const LockKeys &keys, std::string_view token, const Limit &limit);
  bool leave(const Claim &claim, std::string_view channel, const Limit &limit);
  // The send time of the request that extended it; nothing where the token does not hold the lock.
  std::optional<Instant> extend(const LockKeys &keys, std::string_view token, Millis ttl,
                                const Limit &limit);
  bool force_release(const LockKeys &keys, const Limit &limit);
  LockInfo info(const LockKeys &keys, const Limit &limit);
  // Lock keys that are held (or else: waited for) and match a glob pattern, a page at a time;
  // `cursor` is "0" at first and after the last page.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const Limit &limit);

  Server &server() noexcept { return server_; }

 private:
  template <typename Request>
  bool repeat_while_more(Request request);
  // An `ask` that waits for the answer.
  auto waiting(const Limit &limit) {
    return [this, &limit](const Script &script, const Command &keys, const Command &arguments) {
      return server_.run(script, keys, arguments, limit);
    };
  }

  Server &server_;
};

}  // namespace redilock
