// The counters of a client, and the one table that names and documents them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "values/clock.hpp"

namespace redilock {

// In the order of the table.
enum class Stat : size_t {
  kAcquired,
  kContended,
  kHandOffs,
  kRefused,
  kTimeouts,
  kFailed,
  kWait,
  kWait1ms,
  kWait10ms,
  kWait100ms,
  kWait1s,
  kWait10s,
  kHeld,
  kRenewed,
  kRenewalsFailed,
  kLostTaken,
  kLostExpired,
  kLostNotRenewed,
  kLostMaxHold,
  kLostStopped,
  kUnknown,
  kConnected,
  kReconnects,
  kQueuedNow,
  kHeldNow,
  kCount
};

struct StatInfo {
  const char *name;
  const char *type;  // "counter" only grows, "gauge" is a number of now
  const char *doc;
};

const StatInfo *stat_at(size_t index) noexcept;  // null past the last
size_t stat_count() noexcept;
// kCount for a name that is none.
Stat stat_of(std::string_view name) noexcept;

// Any thread. Each number is right by itself; two of them may be of different moments.
class Statistics {
 public:
  void add(Stat stat, int64_t by = 1) noexcept {
    counts_[static_cast<size_t>(stat)].fetch_add(by, std::memory_order_relaxed);
  }
  // How long an acquire took that was granted.
  void add_wait(Micros wait) noexcept;
  // The buckets of the waits include those below.
  int64_t value(Stat stat) const noexcept;

 private:
  std::array<std::atomic<int64_t>, static_cast<size_t>(Stat::kCount)> counts_{};
};

}  // namespace redilock
