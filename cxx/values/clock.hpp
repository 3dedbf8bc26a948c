// Time as leases count it: a clock that never steps and also counts suspended time. Everything that
// decides by time is given a Clock, so that tests can set it.
#pragma once

#include <chrono>

namespace redilock {

struct BootTime {};
using Micros = std::chrono::microseconds;
using Instant = std::chrono::time_point<BootTime, Micros>;

inline constexpr Instant kNever = Instant::max();

class Clock {
 public:
  virtual Instant now() const noexcept = 0;

 protected:
  ~Clock() =
      default;  // not virtual: the system's clock has to outlive exit(), so it has no destructor
};

// CLOCK_BOOTTIME, or CLOCK_MONOTONIC where the kernel has none.
class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override;
};

const Clock &system_clock() noexcept;

// `start + span`, where a span too long for the clock is kNever.
Instant after(Instant start, Micros span) noexcept;

}  // namespace redilock
