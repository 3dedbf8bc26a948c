// The bounds by which the checks judge, and what several of them ask of a record.
#pragma once

#include <cstdint>
#include <string>

#include "fault/record.hpp"

namespace fault {

inline constexpr int64_t kSecond = 1000000;
inline constexpr int64_t kMs = 1000;
// From docs/protocol.md. The longest time between two re-checks of a place is places / 10 s and at
// least 2 s, and no worker has more than 20 places; so long after its join each waiter re-checks in any
// case. A client without beats counts as alive for so long.
inline constexpr int64_t kRecheck = 2 * kSecond;
inline constexpr int64_t kFirstRecheck = 2 * kSecond;
inline constexpr int64_t kDeputy = 500 * kMs;
inline constexpr int64_t kAlive = 6 * kSecond;
// For a machine with more processes than processors.
inline constexpr int64_t kSlack = 1200 * kMs;
// After a fault: connecting again, growing pauses, one request that still times out.
inline constexpr int64_t kRecovery = 2 * kSecond;
// The longest pause before a wake channel that breaks again and again is subscribed anew.
inline constexpr int64_t kPause = 500 * kMs;
// How long a proxy may keep a request whose sender is gone, and how long a stopped server may.
inline constexpr int64_t kUnderWay = 2500 * kMs;
inline constexpr int64_t kLongestStop = 3500 * kMs;
// The workers' `timeout`: half of them are patient. And what the library adds to a wait for the
// request under way.
inline int64_t timeout_of(int worker) { return worker % 2 == 0 ? kSecond : 300 * kMs; }
inline constexpr int64_t kGrace = kSecond;
// By which the sampler tells that it got no processor, and the time in which it has surely looked
// once, if it has not told so.
inline constexpr int64_t kStall = 250 * kMs;
// From which on it reports that it, the proxy and the server together were slow: a third of a worker's timeout.
inline constexpr int64_t kSlow = 100 * kMs;
inline constexpr int64_t kLook = 2 * (2 * kStall + 10 * kMs);
// A hand-off takes half a millisecond where nothing is wrong; for the median of a run.
inline constexpr int64_t kHandOff = 50 * kMs;
// A take-over takes 1 ms and a request, and is seen 5 ms later; the second in the queue asks 500 ms after
// the end of the lease. For the median of a run.
inline constexpr int64_t kTakeOver = 150 * kMs;
inline constexpr size_t kFewTakeOvers = 4;

// For how long after a sender's end its requests may still arrive.
inline int64_t under_way(const Record &record) {
  int64_t most = kSlack / 3;
  if (record.has({"late", "delay", "slow-start", "trickle"})) most = kUnderWay;
  if (record.has({"stop-server"})) most += kLongestStop;
  return most;
}

// One worker is far away from the server in any weather: what it would believe from the time of an
// answer on, and not from that of the question, is too long by up to so much.
inline constexpr int kFarWorker = 2;
inline constexpr int kDistanceMs = 30;  // each way

inline std::string ms(int64_t us) { return std::to_string(us / kMs) + " ms"; }

}  // namespace fault
