// Tokens: "redilock:<32 hex digits>:<owner label>", the value of a held lock key.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace redilock {

inline constexpr size_t kTokenIdLength = 32;
inline constexpr size_t kLabelMax = 128;

// 32 lower-case hex digits from 16 bytes of the system's random source (getrandom, read in larger
// portions and never used twice; one object per client, guarded by its own mutex).
class RandomIds {
 public:
  // As getrandom(2): fills up to `size` bytes, or returns -1 and sets errno.
  using Source = ssize_t (*)(void *bytes, size_t size, unsigned flags);

  RandomIds() noexcept;  // from getrandom
  explicit RandomIds(Source source) noexcept : source_(source) {}
  ~RandomIds();
  RandomIds(const RandomIds &) = delete;
  RandomIds &operator=(const RandomIds &) = delete;

  // Throws Error(kInternal) where the system has no random bytes to give.
  std::string next();

 private:
  void refill();

  const Source source_;
  std::mutex mutex_;
  std::array<unsigned char, 1024> bytes_;
  size_t used_ = sizeof(bytes_);  // bytes_[0 .. used_) have been given away and wiped
};

std::string make_token(std::string_view id, std::string_view label);

// Whether it has the exact form; everything else is a foreign holder.
bool is_token(std::string_view text) noexcept;

// The 32 digits; call only where is_token.
std::string_view token_id(std::string_view token) noexcept;
std::string_view token_label(std::string_view token) noexcept;

// At most kLabelMax printable ASCII bytes (0x20 .. 0x7e).
bool is_label(std::string_view text) noexcept;

}  // namespace redilock
