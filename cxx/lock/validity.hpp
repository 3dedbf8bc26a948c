// For how long a lease is surely held, by the local clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "values/clock.hpp"
#include "values/duration.hpp"

namespace redilock {

// What is kept back of a lease for clocks that run apart: 1 % and 2 ms.
Micros drift(Millis ttl) noexcept;

// The end of a lease that counts from `anchor`, the send time of the request that granted it.
Instant lease_end(Instant anchor, Millis ttl) noexcept;

// Learns from answered requests how far the local clock is ahead of the server's, to tell when a
// pushed grant was made. Every sample `send time - server time` is at most the true distance, as
// the server reads its clock after the request was sent; so the largest is the best, and none makes
// a lease seem longer.
class ServerTime {
 public:
  void learn(Instant sent, int64_t server_us, Instant now);

  // A local time not after the moment at which the server's clock read `server_us`; nothing without
  // a sample of the last 10 s.
  std::optional<Instant> local(int64_t server_us, Instant now) const;

 private:
  struct Sample {
    Instant taken;
    int64_t distance_us;
  };
  std::deque<Sample> samples_;  // ages and distances fall from front to back: a window's maximum
};

}  // namespace redilock
