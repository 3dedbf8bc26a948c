// Text for people and for programs. Names hold any bytes, so everything that shows one goes through
// here and cannot move the cursor or break a JSON document.
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "command.hpp"

namespace cli {
namespace {

std::string two_units(int64_t big, const char *big_unit, int64_t small, const char *small_unit,
                      int digits = 2) {
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "%lld%s%0*lld%s", static_cast<long long>(big), big_unit,
                digits, static_cast<long long>(small), small_unit);
  return buffer;
}

std::string hex_byte(unsigned char byte) {
  static const char kDigits[] = "0123456789abcdef";
  return {kDigits[byte >> 4], kDigits[byte & 15]};
}

unsigned char byte_at(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;  // 0: the byte here is not the start of valid UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view bytes, size_t at) {
  static const uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char first = byte_at(bytes, at);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.size()) return {};
  uint32_t value = first & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = byte_at(bytes, at + i);
    if ((next & 0xc0) != 0x80) return {};
    value = (value << 6) | (next & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[length] || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

// C0, DEL, C1, and the marks that reorder or hide text on a terminal; all below 0x10000.
bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

// Columns on a terminal, near enough: one for each code point.
size_t columns(const std::string &text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string human_duration(int64_t ms) {
  if (ms < 1000) return std::to_string(ms) + "ms";
  if (ms < 9950 && (ms + 50) / 100 % 10 != 0) {
    return two_units((ms + 50) / 1000, ".", (ms + 50) / 100 % 10, "s", 1);
  }
  const int64_t s = ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3600) return two_units(s / 60, "m", s % 60, "s");
  if (s < 86400) return two_units(s / 3600, "h", s / 60 % 60, "m");
  return two_units(s / 86400, "d", s / 3600 % 24, "h");
}

int64_t duration_ms(const char *flag, const std::string &text) {
  static const struct {
    const char *unit;
    int64_t ms;
  } kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
  if (text == "0") return 0;
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = text.substr(digits);
  for (const auto &known : kUnits) {
    if (unit != known.unit || digits == 0 || digits > 9) continue;
    return std::strtoll(text.substr(0, digits).c_str(), nullptr, 10) * known.ms;
  }
  throw UsageError(std::string(flag) + ": \"" + text + "\" is not a duration such as 500ms or 30s");
}

std::string with_unit(const std::string &text) {
  const bool number = !text.empty() && text.size() <= 9 && text != "." &&
                      text.find_first_not_of("0123456789.") == std::string::npos &&
                      std::count(text.begin(), text.end(), '.') <= 1;
  if (!number) return text;
  const double ms = std::ceil(std::strtod(text.c_str(), nullptr) * 1000);
  return std::to_string(static_cast<int64_t>(ms)) + "ms";
}

std::string printable(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint code = decode(bytes, at);
    const size_t length = std::max<size_t>(code.length, 1);
    if (code.length == 0 || is_control(code.value)) {
      for (size_t i = 0; i < length; ++i) out += "\\x" + hex_byte(byte_at(bytes, at + i));
    } else if (code.value == '\\') {
      out += "\\\\";
    } else {
      out += bytes.substr(at, length);
    }
    at += length;
  }
  return out;
}

std::string json_string(std::string_view bytes) {
  std::string out = "\"";
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint code = decode(bytes, at);
    if (code.length == 0) {
      out += "\\ufffd";
    } else if (code.value == '"' || code.value == '\\') {
      out += {'\\', bytes[at]};
    } else if (is_control(code.value)) {
      out += "\\u" + hex_byte(static_cast<unsigned char>(code.value >> 8)) +
             hex_byte(static_cast<unsigned char>(code.value & 0xff));
    } else {
      out += bytes.substr(at, code.length);
    }
    at += std::max<size_t>(code.length, 1);
  }
  return out + "\"";
}

std::string json_name(std::string_view name) {
  std::string out = "\"name\":" + json_string(name);
  bool utf8 = true;
  for (size_t at = 0; utf8 && at < name.size();) {
    const CodePoint code = decode(name, at);
    utf8 = code.length != 0;
    at += code.length;
  }
  if (utf8) return out;
  out += ",\"name_hex\":\"";
  for (size_t at = 0; at < name.size(); ++at) out += hex_byte(byte_at(name, at));
  return out + "\"";
}

std::string aligned(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string out;
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - columns(row[i]) + 2, ' ');
    }
    out += "\n";
  }
  return out;
}

void print(const std::string &text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    throw Failure(kExitInternal, std::string("cannot write: ") + std::strerror(errno));
  }
}

void complain(const std::string &text) {
  const std::string line = "redilock: " + text + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace cli
