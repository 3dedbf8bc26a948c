// The log of a client: its last lines, kept until the program reads them. Nothing is called back
// and nothing is written anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace redilock {

// The numbers are those of redilock.h.
enum class LogLevel : int32_t { kError = 1, kWarning = 2, kInfo = 3 };

struct LogLine {
  LogLevel level;
  int64_t time_ms;  // since 1970
  std::string text;
};

class Log {
 public:
  static constexpr size_t kLineMax = 1023;

  // Keeps the last `most` lines; none for 0.
  explicit Log(int64_t most) : most_(static_cast<size_t>(most)) {}

  bool is_on() const noexcept { return most_ > 0; }
  // Before the first line: `on_lines` is called when there is a line and the last take() found
  // none. It must not use the log.
  void set_on_lines(std::function<void()> on_lines) { on_lines_ = std::move(on_lines); }

  // `write` gives the text, and is called only if the log is on. A line that there is no memory
  // for counts as dropped.
  template <typename Write>
  void add(LogLevel level, Write write) noexcept {
    if (!is_on()) return;
    try {
      append(level, write());
    } catch (const std::exception &) {
      drop();
    }
  }

  // The next line, or first how many were dropped; nothing when all were read. Throws
  // std::bad_alloc, and has taken nothing then.
  std::optional<LogLine> take();

 private:
  void append(LogLevel level, std::string text);
  void drop() noexcept;

  const size_t most_;
  std::function<void()> on_lines_;
  std::mutex mutex_;
  bool announced_ = false;
  size_t dropped_ = 0;
  std::deque<LogLine> lines_;
};

}  // namespace redilock
