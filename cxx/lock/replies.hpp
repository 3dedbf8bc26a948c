// The scripts' replies as values. What a server says is not trusted: a reply of another form is an
// Error(kProtocol), and never a grant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lock/claim.hpp"
#include "values/answer.hpp"
#include "values/credentials.hpp"

namespace redilock {

struct Granted {
  int64_t fence;
  Instant anchor;  // the lease counts from here
};

struct Held {
  bool ask_again;  // with all keys: the lock may be free, or others hold it together
  std::optional<Millis> holder_ttl = {};  // none if the holder never expires
  std::string holding = {};               // who holds the lock, for messages; see replies.hpp
};

struct Queued {
  std::optional<Millis> holder_ttl;  // none if the holder never expires
  int64_t rank;                      // 0 is the head
  int64_t arrival;
  int64_t server_us;
  bool foreign;    // the holder is no redilock client
  bool joined;     // the request added the place, or an earlier unanswered one may have
  bool seen;       // the server sees a subscription to the channel, or did not look
  bool known;      // the client had a liveness record before the request
  bool ask_again;  // the lock is free, but more dead waiters are before the living
  Instant sent;
  std::string holding = {};  // as in Held
};

using AcquireReply = std::variant<Granted, Held, Queued>;

struct BeatReply {
  bool known;
  bool seen;
  int64_t server_us;
  Instant sent;
};

struct LockInfo {
  bool exists = false;
  bool foreign = false;
  std::string label;
  int64_t remaining_ms = 0;          // -1: never expires
  std::vector<std::string> holders;  // their tokens; none for a foreign holder
  int64_t waiters = 0;

  struct Waiter {
    std::string label;
    std::optional<Millis> waits_since;  // by the server's clock; none where the arrival is no time
    bool polls = false;                 // pub/sub does not reach it, so it re-checks periodically
  };
  std::vector<Waiter> queue;  // the first of them
};

// What the value of a lock key says, for messages: "held by web1/4711", "held by a foreign client",
// "held by shared holders", "at rest", or "" for a free lock. Never shows more of a token than its
// label; `secrets`: what no label may show, or null.
std::string holding(std::string_view value, const Credentials *secrets);

// `may_wait`: the request was to queue where the lock is held.
AcquireReply read_acquire(const Answer &answer, const Claim &claim, bool may_wait);

struct Release {
  bool owned;  // the token held the lock
  bool more;   // dead waiters are left: to be called again
};
Release read_release(const Reply &reply);

// Whether the token holds the lock.
bool read_extend(const Reply &reply);

BeatReply read_beat(const Answer &answer);

LockInfo read_info(const Reply &reply);
// Who holds the lock, by the same reply; "" for nobody.
std::string read_holding(const Answer &answer);

// The keys of a page of SCAN; `cursor` becomes that of the next.
std::vector<std::string> read_page(const Reply &reply, std::string &cursor);

}  // namespace redilock
