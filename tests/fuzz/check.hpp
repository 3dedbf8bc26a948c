// What every fuzzer needs: a check that ends the program, and the outcome of a call as text.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "values/status.hpp"

#define MUST(condition) redilock::fuzz::must(condition, #condition, __FILE__, __LINE__)

namespace redilock::fuzz {

inline void must(bool holds, const char *what, const char *file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
  std::abort();
}

// Fit to be shown to people, and not without bounds.
inline void must_be_presentable(const std::string &message) {
  MUST(!message.empty() && message.size() < 600);
  for (char c : message) MUST(c >= 0x20 && c < 0x7f);
}

// Cuts the next line off `text`, without its end.
inline std::string_view next_line(std::string_view &text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

}  // namespace redilock::fuzz
