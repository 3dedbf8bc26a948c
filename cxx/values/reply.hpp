// A reply of the server as a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace redilock {

class Reply {
 public:
  enum class Kind { kNil, kInteger, kString, kStatus, kError, kArray };

  Kind kind() const noexcept { return kind_; }
  bool is_error() const noexcept { return kind_ == Kind::kError; }

  // These throw Error(kProtocol) for a reply of another kind.
  int64_t integer() const;
  const std::string &text() const;  // string, status or error
  const std::vector<Reply> &items() const;
  const Reply &at(size_t index) const;

  static Reply of_integer(int64_t value) noexcept;

 private:
  friend class ReplyBuilder;
  Kind kind_ = Kind::kNil;
  int64_t integer_ = 0;
  std::string text_;
  std::vector<Reply> items_;
};

}  // namespace redilock
