// The outcome of a call: the status codes of the C ABI and the one exception type of the core.
// Expected outcomes (held, granted, queued) are values; what went wrong is an Error.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace redilock {

// The numbers are those of redilock.h; capi/ asserts that they are.
enum class Status : int32_t {
  kOk = 0,
  kHeld = -1,
  kTimeout = -2,
  kCancelled = -3,
  kInterrupted = -4,
  kLost = -5,
  kNotOwner = -6,
  kUnknown = -7,
  kUnavailable = -8,
  kAuth = -9,
  kServer = -10,
  kProtocol = -11,
  kInvalid = -12,
  kNoMemory = -13,
  kForked = -14,
  kClosed = -15,
  kUnsupported = -16,
  kInternal = -17,
};

// A sentence for a status; never null.
const char *status_text(int32_t status) noexcept;

// The name of its constant in redilock.h; never null.
const char *status_name(int32_t status) noexcept;

class Error : public std::exception {
 public:
  Error(Status status, std::string message, bool retriable = false)
      : status_(status), message_(std::move(message)), retriable_(retriable) {}
  // Without words, as for what has not failed.
  explicit Error(Status status) noexcept : status_(status), retriable_(false) {}
  // Of a message in two parts; as a copy of an error, it does without for want of memory.
  Error(Status status, std::string_view head, std::string_view tail, bool retriable) noexcept;
  Error(const Error &other) noexcept
      : Error(other.status_, other.message_, std::string_view(), other.retriable_) {
    says_where_ = other.says_where_;
  }
  Error(Error &&) noexcept = default;
  Error &operator=(const Error &other) noexcept { return *this = Error(other); }
  Error &operator=(Error &&) noexcept = default;
  ~Error() override;

  Status status() const noexcept { return status_; }
  const std::string &message() const noexcept { return message_; }
  // Whether the same request may well succeed when made again later.
  bool retriable() const noexcept { return retriable_; }
  // Whether the message needs no name of a server: it has one, or is about this machine.
  bool says_where() const noexcept { return says_where_; }
  Error &&saying_where() &&noexcept {
    says_where_ = true;
    return std::move(*this);
  }
  // The same with words before and behind its message; without those if memory is short.
  Error worded(std::string_view before, std::string_view behind = {}) const noexcept;
  // The same with another status.
  Error as(Status status) const noexcept;
  const char *what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::string message_;
  bool retriable_;
  bool says_where_ = false;
};

// Any call on a client that was closed or freed.
Error client_closed() noexcept;
// What std::bad_alloc becomes.
Error no_memory() noexcept;

}  // namespace redilock
