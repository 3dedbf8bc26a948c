#include "lock/validity.hpp"

#include <algorithm>

namespace redilock {

namespace {

constexpr std::chrono::seconds kWindow{10};

}  // namespace

Micros drift(Millis ttl) noexcept { return Micros(ttl) / 100 + std::chrono::milliseconds(2); }

Instant lease_end(Instant anchor, Millis ttl) noexcept {
  return after(anchor, Micros(ttl) - drift(ttl));
}

void ServerTime::learn(Instant sent, int64_t server_us, Instant now) {
  const int64_t distance = sent.time_since_epoch().count() - server_us;
  while (!samples_.empty() && samples_.back().distance_us <= distance) samples_.pop_back();
  samples_.push_back({now, distance});
  while (now - samples_.front().taken > kWindow) samples_.pop_front();
}

std::optional<Instant> ServerTime::local(int64_t server_us, Instant now) const {
  std::optional<int64_t> best;
  for (const Sample &sample : samples_) {
    if (now - sample.taken > kWindow) continue;
    const int64_t aged = sample.distance_us - (now - sample.taken).count() / 1000;
    best = std::max(best.value_or(aged), aged);
  }
  if (!best) return std::nullopt;
  return Instant(Micros(*best + server_us));
}

}  // namespace redilock
