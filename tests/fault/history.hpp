// The history of a run: one JSON object a line, appended by every process of it with one write(2)
// each, so that what a killed process did stands there up to its last line. All times are
// CLOCK_BOOTTIME in microseconds. Reading it back is here too; judging it is the checker's.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace fault {

int64_t now_us();
void sleep_until(int64_t at_us);

// A line being written: flat, with numbers and plain text.
class Line {
 public:
  Line(int64_t at, std::string_view event);
  Line &add(std::string_view key, int64_t value);
  Line &add(std::string_view key, std::string_view value);
  std::string finished() const { return text_ + "}\n"; }

 private:
  std::string text_;
};

class History {
 public:
  explicit History(const std::string &path);
  ~History();
  History(const History &) = delete;
  History &operator=(const History &) = delete;
  void write(const Line &line) const;

 private:
  int fd_;
};

struct Event {
  int64_t at = 0;
  std::string kind;
  std::map<std::string, std::string> fields;

  const std::string &text(const std::string &key) const;
  int64_t number(const std::string &key) const;
};

// Of a line that Line has written.
Event parse_event(const std::string &line);

// Reads a history while it is written.
class HistoryReader {
 public:
  explicit HistoryReader(const std::string &path) : file_(path) {}
  // The next event; false where there is none yet.
  bool next(Event &event);

 private:
  std::ifstream file_;
  std::string partial_;
};

}  // namespace fault
