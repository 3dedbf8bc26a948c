// The range of fences.
#pragma once

#include <cstdint>

namespace redilock {

// Fences are at least this. Other integers that scripts reply are below it, so neither is ever
// taken for the other.
inline constexpr int64_t kFirstFence = 4;
// Fences and arrivals, and times in microseconds, are below this.
inline constexpr int64_t kFenceEnd = int64_t{1} << 53;

}  // namespace redilock
