// Durations as text: "500ms", "30s", "5m", "1h", "7d", "0".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace redilock {

using Millis = std::chrono::milliseconds;

inline constexpr Millis kTtlMax{INT64_C(31536000000)};
// A wait without an end; any negative wait is read as this one.
inline constexpr Millis kForever{-1};

// Throws Error(kInvalid) for what is not a duration, is negative, or does not fit into a year.
Millis parse_duration(std::string_view text);

// The shortest exact form: 30000 ms is "30s", 1500 ms is "1500ms", kForever is "forever".
std::string format_duration(Millis duration);

// About how long, for messages: "350ms", "12.3s", "5m10s", "3h20m", "2d5h". 0 if it is negative.
std::string format_about(std::chrono::microseconds span);

}  // namespace redilock
