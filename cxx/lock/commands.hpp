// The scripts as typed calls: what goes in, what comes out, and how a repeated answer is to be
// read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "values/name.hpp"
#include "values/options.hpp"
#include "wire/server.hpp"

namespace redilock {

// Fences and arrivals, and times in microseconds, are below this.
inline constexpr int64_t kFenceEnd = int64_t{1} << 53;

// One attempt to hold a lock; its token identifies it.
struct Claim {
  LockKeys keys;
  std::string token;
  Millis ttl;
  bool fence = true;
  // Under which the claim may have a place in the queue; empty if it never asked for one.
  std::string channel = {};
};

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

// A message on the wake channel, for one waiter.
struct Push {
  enum class Kind {
    kGrant,  // the lock was handed to the waiter
    kNext    // the waiter is now the head, and re-checks in `recheck_in`
  };
  Kind kind;
  std::string id;        // of the waiter's token
  int64_t fence;         // of a grant
  int64_t server_us;     // when the server sent it
  Millis recheck_in{0};  // of `next`
};

// Nothing for a payload of another form. Ignores what a later version may add behind a blank.
std::optional<Push> parse_push(std::string_view payload);

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

class Commands {
 public:
  explicit Commands(Server &server) : server_(server) {}

  AcquireReply acquire(const Claim &claim, bool with_all_keys, const Limit &limit);
  // As acquire, or else joins the queue or stays there. arrival: 0 for a new place.
  AcquireReply queue(const Claim &claim, int64_t arrival, const Limit &limit);
  // Gives up the place in the queue, and releases the lock if that was granted meanwhile.
  void leave(const Claim &claim, const Limit &limit);
  // Drives a machine that asks (Releasing, Extending, LookingUp) to its end.
  template <typename Machine>
  void run(Machine &machine, const Limit &limit) noexcept {
    try {
      while (machine.replied(machine.ask(waiting(limit)))) {
      }
    } catch (const Unanswered &why) {
      machine.failed(why);
    } catch (const Error &why) {
      machine.failed({why, false});
    } catch (...) {  // std::bad_alloc, perhaps from reading the reply
      machine.failed({no_memory(), true});
    }
  }
  // Lock keys that are held (or else: waited for) and match a glob pattern, a page at a time;
  // `cursor` is "0" at first and after the last page.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const Limit &limit);

  Server &server() noexcept { return server_; }

 private:
  std::vector<std::string> list_held(const std::string &pattern, std::string &cursor,
                                     const Limit &limit);
  std::vector<std::string> list_waited_for(const std::string &pattern, std::string &cursor,
                                           const Limit &limit);
  std::vector<std::string> scan(const std::string &pattern, std::string_view type,
                                std::string &cursor, const Limit &limit);
  std::vector<std::string> scan_page(const Command &command, std::string &cursor,
                                     const Limit &limit);
  // An `ask` that waits for the answer.
  auto waiting(const Limit &limit) {
    return [this, &limit](const Script &script, const Command &keys, const Command &arguments) {
      return server_.run(script, keys, arguments, limit);
    };
  }

  Server &server_;
};

}  // namespace redilock
