// The words of one command to the server.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace redilock {

// The longest command of redilock has 13 words: EVALSHA, the sum, the number of keys, five keys and
// five arguments. They stand in place, because a command is built for every request, and a vector
// would allocate each time. The texts belong to the caller.
class Command {
 public:
  static constexpr size_t kMaxWords = 16;

  Command() = default;
  // These throw Error(kInternal) for more words than that.
  Command(std::initializer_list<std::string_view> words) {
    for (auto word : words) push_back(word);
  }
  void push_back(std::string_view word) {
    if (size_ >= kMaxWords) refuse_word();
    words_[size_++] = word;
  }
  void append(const Command &words) {
    for (auto word : words) push_back(word);
  }

  size_t size() const noexcept { return size_; }
  const std::string_view *begin() const noexcept { return words_; }
  const std::string_view *end() const noexcept { return words_ + size_; }
  std::string_view &operator[](size_t index) noexcept { return words_[index]; }
  std::string_view operator[](size_t index) const noexcept { return words_[index]; }

 private:
  [[noreturn]] static void refuse_word();

  std::string_view words_[kMaxWords];
  size_t size_ = 0;
};

}  // namespace redilock
