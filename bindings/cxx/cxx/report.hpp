// What a client says of itself: the numbers that it counts, and the lines of its log.
#ifndef REDILOCK_CXX_REPORT_HPP
#define REDILOCK_CXX_REPORT_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace redilock {
inline namespace v0 {

/// One number of a client. The texts are static.
struct Stat {
  const char *name = "";  ///< such as "acquired"
  const char *type = "";  ///< "counter" for a number that only grows, "gauge" for one of now
  const char *doc = "";   ///< what it counts, in a sentence
  std::int64_t value = 0;
};

/// How much a line of the log matters.
enum class LogLevel : std::int32_t {
  error = REDILOCK_LOG_ERROR,      ///< a lock was lost
  warning = REDILOCK_LOG_WARNING,  ///< something failed, and the client tries again or goes on
  info = REDILOCK_LOG_INFO         ///< the client has connected or subscribed
};

/// A line of a client's log. It never shows a password or a whole token.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time;
  std::string text;
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_REPORT_HPP
