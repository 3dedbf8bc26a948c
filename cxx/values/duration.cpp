// Reads and writes durations. A unit is asked for, since a bare 30 would be seconds to one reader
// and milliseconds to another.
#include "values/duration.hpp"

#include <algorithm>

#include "values/status.hpp"
#include "values/text.hpp"

namespace redilock {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};

constexpr Unit kUnits[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

[[noreturn]] void refuse(std::string_view text, const std::string &reason) {
  throw Error(Status::kInvalid, shown(text) + reason);
}

int64_t unit_ms(std::string_view text, std::string_view unit) {
  for (const Unit &known : kUnits) {
    if (known.name == unit) return known.ms;
  }
  refuse(text, " has a unit other than ms, s, m, h or d");
}

}  // namespace

Millis parse_duration(std::string_view text) {
  if (text.empty()) throw Error(Status::kInvalid, "is empty; write a duration such as 30s");
  if (text.front() == '-') refuse(text, " is negative");
  const size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, length);
  const std::string_view unit = text.substr(length);
  if (digits.empty()) refuse(text, " is not a duration such as 500ms, 30s, 5m, 1h or 7d");

  // Digits that do not fit into 64 bits do not fit into a year either.
  const int64_t number = parse_digits(digits).value_or(INT64_MAX);
  if (unit.empty()) {
    if (number == 0) return Millis(0);
    refuse(text, " has no unit; write " + shown(digits) + "s or " + shown(digits) + "ms");
  }
  const int64_t ms = unit_ms(text, unit);
  if (number > kTtlMax.count() / ms) refuse(text, " is longer than 365d");
  return Millis(number * ms);
}

std::string format_duration(Millis duration) {
  const int64_t ms = duration.count();
  if (ms < 0) return "forever";
  if (ms == 0) return "0";
  for (const Unit &unit : kUnits) {
    if (ms % unit.ms == 0) return std::to_string(ms / unit.ms).append(unit.name);
  }
  return std::to_string(ms) + "ms";
}

std::string format_about(std::chrono::microseconds span) {
  const int64_t ms = std::max<int64_t>(span.count() / 1000, 0);
  if (ms < 1000) return std::to_string(ms) + "ms";
  if (ms < 60000) {
    const int64_t tenths = ms % 1000 / 100;
    return std::to_string(ms / 1000) + (tenths == 0 ? "" : "." + std::to_string(tenths)) + "s";
  }
  for (size_t i = 0;; ++i) {
    const Unit &unit = kUnits[i], &next = kUnits[i + 1];
    if (ms < unit.ms) continue;
    const int64_t rest = ms % unit.ms / next.ms;
    const std::string whole = std::to_string(ms / unit.ms).append(unit.name);
    return rest == 0 ? whole : whole + std::to_string(rest).append(next.name);
  }
}

}  // namespace redilock
