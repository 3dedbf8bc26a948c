// A clock that stands still until a test moves it.
#pragma once

#include <atomic>
#include <string>

#include "values/clock.hpp"

class ManualClock final : public redilock::Clock {
 public:
  explicit ManualClock(int64_t start_us = 1000000000) : now_us_(start_us) {}
  redilock::Instant now() const noexcept override {
    return redilock::Instant(redilock::Micros(now_us_.load()));
  }
  void advance(redilock::Micros span) { now_us_ += span.count(); }

 private:
  std::atomic<int64_t> now_us_;
};

inline redilock::Instant at_us(int64_t us) { return redilock::Instant(redilock::Micros(us)); }
inline std::string us_of(redilock::Instant instant) {
  return instant == redilock::kNever ? "never" : std::to_string(instant.time_since_epoch().count());
}
