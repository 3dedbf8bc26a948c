// What a client counts of its work.
#pragma once

#include "values/statistics.hpp"

namespace redilock {

struct Telemetry {
  Statistics statistics;
};

}  // namespace redilock
