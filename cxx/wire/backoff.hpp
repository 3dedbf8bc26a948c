// Pauses between attempts, which grow so that a server in trouble is not stormed.
#pragma once

#include <algorithm>

#include "values/clock.hpp"

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

}  // namespace redilock
