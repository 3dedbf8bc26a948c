// Writing and reading the lines.
#include "fault/history.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace fault {

int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

void sleep_until(int64_t at_us) {
  const timespec at{static_cast<time_t>(at_us / 1000000), at_us % 1000000 * 1000};
  while (::clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

Line::Line(int64_t at, std::string_view event) : text_("{\"t\":" + std::to_string(at)) {
  add("e", event);
}

Line &Line::add(std::string_view key, int64_t value) {
  text_.append(",\"").append(key).append("\":").append(std::to_string(value));
  return *this;
}

Line &Line::add(std::string_view key, std::string_view value) {
  text_.append(",\"").append(key).append("\":\"");
  for (const char c : value) text_ += c == '"' || c == '\\' || c < ' ' ? '?' : c;
  text_ += '"';
  return *this;
}

History::History(const std::string &path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (fd_ >= 0) return;
  std::perror(path.c_str());
  std::abort();
}

History::~History() { ::close(fd_); }

void History::write(const Line &line) const {
  const std::string text = line.finished();
  if (::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size())) return;
  std::perror("history");
  std::abort();
}

const std::string &Event::text(const std::string &key) const {
  static const std::string none;
  auto found = fields.find(key);
  return found == fields.end() ? none : found->second;
}

int64_t Event::number(const std::string &key) const {
  return std::strtoll(text(key).c_str(), nullptr, 10);
}

// "key":value pairs of a flat object; texts were written without quotes or backslashes in them.
Event parse_event(const std::string &line) {
  Event event;
  size_t at = 1;
  while (at < line.size() && line[at] == '"') {
    const size_t key_end = line.find('"', at + 1);
    const std::string key = line.substr(at + 1, key_end - at - 1);
    const bool quoted = line[key_end + 2] == '"';
    const size_t start = key_end + 2 + (quoted ? 1 : 0);
    const size_t end = line.find_first_of(quoted ? "\"" : ",}", start);
    event.fields[key] = line.substr(start, end - start);
    at = end + (quoted ? 2 : 1);
  }
  event.at = event.number("t");
  event.kind = event.text("e");
  return event;
}

bool HistoryReader::next(Event &event) {
  std::string line;
  std::getline(file_, line);
  partial_ += line;
  if (file_.good()) {
    event = parse_event(partial_);
    partial_.clear();
    return true;
  }
  file_.clear();  // the line is not whole yet
  return false;
}

}  // namespace fault
