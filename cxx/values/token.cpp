// Makes tokens and takes them apart.
#include "values/token.hpp"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <string>

#include "values/name.hpp"
#include "values/status.hpp"

namespace redilock {
namespace {

constexpr size_t kIdBytes = kTokenIdLength / 2;
constexpr char kDigits[] = "0123456789abcdef";

bool is_digit(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_printable(char c) noexcept { return c >= 0x20 && c <= 0x7e; }

}  // namespace

RandomIds::RandomIds() noexcept : RandomIds(&::getrandom) {}

RandomIds::~RandomIds() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

void RandomIds::refill() {
  size_t filled = 0;
  while (filled < bytes_.size()) {
    const ssize_t got = source_(bytes_.data() + filled, bytes_.size() - filled, 0);
    if (got > 0) {
      filled += static_cast<size_t>(got);
    } else if (got == 0 || errno != EINTR) {
      throw Error(Status::kInternal, "the system gives no random bytes");
    }
  }
  used_ = 0;
}

std::string RandomIds::next() {
  std::string id(kTokenIdLength, '\0');
  const std::lock_guard<std::mutex> guard(mutex_);
  if (bytes_.size() - used_ < kIdBytes) refill();
  unsigned char *bytes = bytes_.data() + used_;
  for (size_t i = 0; i < kIdBytes; ++i) {
    id[2 * i] = kDigits[bytes[i] >> 4];
    id[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  ::explicit_bzero(bytes, kIdBytes);
  used_ += kIdBytes;
  return id;
}

std::string make_token(std::string_view id, std::string_view label) {
  std::string token;
  token.reserve(kReserved.size() + id.size() + 1 + label.size());
  return token.append(kReserved).append(id).append(1, ':').append(label);
}

bool is_token(std::string_view text) noexcept {
  constexpr size_t kHead = kReserved.size() + kTokenIdLength;
  if (text.size() <= kHead || text[kHead] != ':') return false;
  const std::string_view id = token_id(text);
  return text.substr(0, kReserved.size()) == kReserved &&
         std::all_of(id.begin(), id.end(), is_digit) && is_label(token_label(text));
}

std::string_view token_id(std::string_view token) noexcept {
  return {token.data() + kReserved.size(), kTokenIdLength};
}

std::string_view token_label(std::string_view token) noexcept {
  token.remove_prefix(kReserved.size() + kTokenIdLength + 1);
  return token;
}

bool is_label(std::string_view text) noexcept {
  return text.size() <= kLabelMax && std::all_of(text.begin(), text.end(), is_printable);
}

}  // namespace redilock
