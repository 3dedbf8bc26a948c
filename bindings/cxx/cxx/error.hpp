// How a call ends: statuses, the exceptions, and results for callers who want none.
#ifndef REDILOCK_CXX_ERROR_HPP
#define REDILOCK_CXX_ERROR_HPP

#include <redilock/redilock.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

// The inline namespace keeps these names apart from those inside the static library.
namespace redilock {
inline namespace v0 {

/// Status codes. A later library may return numbers that are not named here: each negative
/// one is a failure.
enum class Status : std::int32_t {
  ok = REDILOCK_OK,
  held = REDILOCK_E_HELD,                ///< somebody else holds the lock; normal for a try
  timeout = REDILOCK_E_TIMEOUT,          ///< the wait ended before the lock was granted
  cancelled = REDILOCK_E_CANCELLED,      ///< a cancel ended the call
  interrupted = REDILOCK_E_INTERRUPTED,  ///< a signal came, and `interruptible` asked for this
  lost = REDILOCK_E_LOST,                ///< the lock was held, and is no more
  not_owner = REDILOCK_E_NOT_OWNER,      ///< the token does not hold the lock
  unknown = REDILOCK_E_UNKNOWN,          ///< the server may or may not have done it
  unavailable = REDILOCK_E_UNAVAILABLE,  ///< the server could not be reached in time
  auth = REDILOCK_E_AUTH,                ///< the server wants other credentials or permissions
  server = REDILOCK_E_SERVER,            ///< the server answered with an error
  protocol = REDILOCK_E_PROTOCOL,        ///< the peer does not speak the protocol
  invalid = REDILOCK_E_INVALID,          ///< an argument or option is wrong
  no_memory = REDILOCK_E_NO_MEMORY,      ///< out of memory
  forked = REDILOCK_E_FORKED,            ///< the object belongs to the parent process
  closed = REDILOCK_E_CLOSED,            ///< the client was closed
  unsupported = REDILOCK_E_UNSUPPORTED,  ///< this build or server cannot do it
  internal = REDILOCK_E_INTERNAL         ///< a bug in redilock
};

/// The constant's name, such as "REDILOCK_E_HELD". Static.
inline const char *name(Status status) noexcept {
  return redilock_status_name(static_cast<std::int32_t>(status));
}

/// Why a call failed.
struct Failure {
  Status status = Status::internal;
  /// A sentence that names the lock, the holder, the server and the cause; no password or token.
  std::string message;
  /// Whether the same call may succeed when it is made again later.
  bool retriable = false;
};

/// What every throwing call throws. what() is the message.
class Error : public std::runtime_error {
 public:
  explicit Error(const Failure &failure)
      : std::runtime_error(failure.message),
        status_(failure.status),
        retriable_(failure.retriable) {}

  /// How the call ended.
  Status status() const noexcept { return status_; }
  /// Whether the same call may succeed when it is made again later.
  bool retriable() const noexcept { return retriable_; }

 private:
  Status status_;
  bool retriable_;
};

/// An Error of one status, so that a catch clause can select it.
template <Status kStatus>
class ErrorOf : public Error {
 public:
  using Error::Error;
};

using HeldError = ErrorOf<Status::held>;
using TimeoutError = ErrorOf<Status::timeout>;
using CancelledError = ErrorOf<Status::cancelled>;
using LostError = ErrorOf<Status::lost>;
using NotOwnerError = ErrorOf<Status::not_owner>;
using UnavailableError = ErrorOf<Status::unavailable>;
using InvalidError = ErrorOf<Status::invalid>;
using ClosedError = ErrorOf<Status::closed>;

/// Throws the Error of a failure. Where exceptions are off it ends the program: call the forms with
/// std::nothrow there.
[[noreturn]] inline void raise(const Failure &failure) {
#ifdef __cpp_exceptions
  switch (failure.status) {
    case Status::held:
      throw HeldError(failure);
    case Status::timeout:
      throw TimeoutError(failure);
    case Status::cancelled:
      throw CancelledError(failure);
    case Status::lost:
      throw LostError(failure);
    case Status::not_owner:
      throw NotOwnerError(failure);
    case Status::unavailable:
      throw UnavailableError(failure);
    case Status::invalid:
      throw InvalidError(failure);
    case Status::closed:
      throw ClosedError(failure);
    default:
      throw Error(failure);
  }
#else
  static_cast<void>(failure);
  std::terminate();
#endif
}

/// A value, or the failure that there is instead: what the forms with std::nothrow return.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : outcome_(std::move(value)) {}
  Result(Failure failure) : outcome_(std::move(failure)) {}

  /// Whether there is a value.
  bool has_value() const noexcept { return outcome_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; throws the Error of the failure if the call failed.
  T &value() & { return checked(), *std::get_if<0>(&outcome_); }
  const T &value() const & { return checked(), *std::get_if<0>(&outcome_); }
  T &&value() && { return checked(), std::move(*std::get_if<0>(&outcome_)); }

  /// The value, where has_value() is known to be true.
  T &operator*() noexcept { return *std::get_if<0>(&outcome_); }
  const T &operator*() const noexcept { return *std::get_if<0>(&outcome_); }
  T *operator->() noexcept { return std::get_if<0>(&outcome_); }
  const T *operator->() const noexcept { return std::get_if<0>(&outcome_); }

  /// Status::ok, or that of the failure.
  Status status() const noexcept { return has_value() ? Status::ok : error().status; }
  /// The failure, where has_value() is known to be false.
  const Failure &error() const noexcept { return *std::get_if<1>(&outcome_); }

 private:
  void checked() const {
    if (!has_value()) raise(error());
  }

  std::variant<T, Failure> outcome_;
};

/// Success, or a failure.
template <>
class [[nodiscard]] Result<void> : public Result<std::monostate> {
 public:
  Result() : Result<std::monostate>(std::monostate()) {}
  Result(Failure failure) : Result<std::monostate>(std::move(failure)) {}

  /// Throws the Error of the failure, if there is one.
  void value() const { static_cast<void>(Result<std::monostate>::value()); }
};

namespace detail {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T *object) const noexcept {
    kFree(object);
  }
};

template <typename T, auto kFree>
using Handle = std::unique_ptr<T, Free<kFree>>;

// The text that `copy(buffer, size)` copies out. It may grow between two calls.
template <typename Copy>
std::string copied(Copy copy) {
  std::string text;
  for (std::size_t length = copy(nullptr, 0); length > text.size();) {
    text.resize(length);
    length = copy(&text[0], text.size() + 1);
    if (length < text.size()) text.resize(length);
  }
  return text;
}

inline Failure failure(std::int32_t status, std::string message, bool retriable) {
  if (message.empty()) message = redilock_strerror(status);
  return {static_cast<Status>(status), std::move(message), retriable};
}

inline Failure failure(std::int32_t status, const char *message = "") {
  const bool retriable = status == REDILOCK_E_UNAVAILABLE || status == REDILOCK_E_UNKNOWN ||
                         status == REDILOCK_E_HELD || status == REDILOCK_E_TIMEOUT;
  return failure(status, std::string(message), retriable);
}

}  // namespace detail
}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_ERROR_HPP
