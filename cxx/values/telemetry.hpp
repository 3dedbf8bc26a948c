// What a client counts of its work and says about it.
#pragma once

#include "values/log.hpp"
#include "values/statistics.hpp"

namespace redilock {

struct Telemetry {
  explicit Telemetry(int64_t log_lines = 0) : log(log_lines) {}

  Statistics statistics;
  Log log;
};

}  // namespace redilock
