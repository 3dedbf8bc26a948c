#include "values/clock.hpp"

#include <ctime>

namespace redilock {

Instant SystemClock::now() const noexcept {
  timespec time{};
  if (clock_gettime(CLOCK_BOOTTIME, &time) != 0) clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant(std::chrono::duration_cast<Micros>(std::chrono::seconds(time.tv_sec) +
                                                    std::chrono::nanoseconds(time.tv_nsec)));
}

const Clock &system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

Instant after(Instant start, Micros span) noexcept {
  if (start == kNever) return kNever;
  // An estimate of the server's time may come before the epoch of the clock.
  if (start > Instant() && span > kNever - start) return kNever;
  return start + span;
}

}  // namespace redilock
