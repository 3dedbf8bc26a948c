// When and whether to try again. The pauses grow, so that clients do not storm a server in trouble.
#pragma once

#include <algorithm>

#include "values/clock.hpp"
#include "values/status.hpp"

namespace redilock {

class Backoff {
 public:
  static constexpr Micros kFirst{5000};
  static constexpr Micros kLongest{500000};

  // The pause before the next attempt.
  Micros next() noexcept { return pause_ = std::clamp(pause_ * 2, kFirst, kLongest); }
  // The one before the last attempt, kFirst at least.
  Micros last() const noexcept { return std::max(pause_, kFirst); }
  // Once an attempt came to something.
  void reset() noexcept { pause_ = Micros(0); }

 private:
  Micros pause_{0};
};

// Whether another attempt may succeed: the server could not be reached, or its state may pass.
inline bool is_worth_retrying(const Error &error) noexcept {
  return error.status() == Status::kUnavailable || error.retriable();
}

}  // namespace redilock
