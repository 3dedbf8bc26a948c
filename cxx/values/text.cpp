// Digits to numbers, and foreign text made fit for messages.
#include "values/text.hpp"

#include <charconv>

namespace redilock {

std::optional<int64_t> parse_digits(std::string_view text) noexcept {
  // from_chars also takes a minus sign.
  if (text.empty() || text.front() == '-') return std::nullopt;
  int64_t number = 0;
  const char *end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::string shown(std::string_view text, size_t most) {
  std::string line(text.substr(0, most));
  for (char &c : line) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.size() > most) line += "...";
  return line;
}

}  // namespace redilock
