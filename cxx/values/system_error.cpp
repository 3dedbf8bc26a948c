#include "values/system_error.hpp"

#include <cstring>

namespace redilock {

namespace {

// strerror_r of glibc returns the text; that of POSIX, as musl has it, writes it into the buffer.
[[maybe_unused]] const char *text_of(const char *text, const char *) { return text; }
[[maybe_unused]] const char *text_of(int, const char *buffer) { return buffer; }

}  // namespace

std::string system_error_text(int error) {
  char buffer[128] = "";
  return text_of(::strerror_r(error, buffer, sizeof buffer), buffer);
}

}  // namespace redilock
