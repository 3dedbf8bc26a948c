#include "values/log.hpp"

#include <chrono>
#include <utility>

namespace redilock {

namespace {

int64_t wall_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

void Log::append(LogLevel level, std::string text) {
  if (text.size() > kLineMax) text.resize(kLineMax);
  {
    std::lock_guard lock(mutex_);
    lines_.push_back({level, wall_ms(), std::move(text)});
    if (lines_.size() > most_) {
      lines_.pop_front();
      ++dropped_;
    }
    if (std::exchange(announced_, true)) return;
  }
  if (on_lines_) on_lines_();
}

void Log::drop() noexcept {
  std::lock_guard lock(mutex_);
  ++dropped_;
}

std::optional<LogLine> Log::take() {
  std::lock_guard lock(mutex_);
  if (dropped_ > 0) {
    LogLine line{LogLevel::kWarning, wall_ms(),
                 std::to_string(dropped_) + " older lines were dropped: the log keeps " +
                     std::to_string(most_)};
    dropped_ = 0;
    return line;
  }
  announced_ = !lines_.empty();
  if (lines_.empty()) return std::nullopt;
  LogLine line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

}  // namespace redilock
