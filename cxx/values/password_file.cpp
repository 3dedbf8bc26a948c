// Reads the first line of a password file, and leaves no copy of it behind.
#include "values/password_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <string_view>
#include <system_error>

#include "values/status.hpp"

namespace redilock {
namespace {

[[noreturn]] void refuse(const std::string &reason) {
  throw Error(Status::kInvalid, "password_file: " + reason);
}

class File {
 public:
  explicit File(const std::string &path) {
    do {
      fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) refuse("cannot be opened: " + std::generic_category().message(errno));
  }
  ~File() { ::close(fd_); }
  File(const File &) = delete;
  File &operator=(const File &) = delete;

  size_t read(char *to, size_t size) {
    ssize_t got;
    do {
      got = ::read(fd_, to, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) refuse("cannot be read: " + std::generic_category().message(errno));
    return static_cast<size_t>(got);
  }

 private:
  int fd_;
};

struct Wiped {
  char bytes[4096];
  ~Wiped() { ::explicit_bzero(bytes, sizeof bytes); }
};

}  // namespace

std::string read_password_file(const std::string &path) {
  if (path.empty()) refuse("has no path");
  File file(path);
  Wiped buffer;
  size_t filled = 0;
  size_t end = std::string_view::npos;
  while (end == std::string_view::npos) {
    if (filled == sizeof buffer.bytes) refuse("has a first line longer than 4095 bytes");
    const size_t got = file.read(buffer.bytes + filled, sizeof buffer.bytes - filled);
    filled += got;
    end = got == 0 ? filled : std::string_view(buffer.bytes, filled).find('\n');
  }
  std::string_view line(buffer.bytes, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) refuse("has an empty first line");
  if (line.find('\0') != std::string_view::npos) refuse("has a NUL byte in its first line");
  return std::string(line);
}

}  // namespace redilock
