// How a call ended: it succeeded, or an Error says why it did not.
#pragma once

#include <optional>
#include <utility>

#include "values/status.hpp"

namespace redilock {

class [[nodiscard]] Outcome {
 public:
  Outcome() noexcept = default;  // success
  // A failure; implicit, so that a call may end by `return Error(...)`.
  Outcome(Error error) noexcept : error_(std::move(error)) {}

  bool ok() const noexcept { return !error_; }
  Status status() const noexcept { return error_ ? error_->status() : Status::kOk; }
  bool retriable() const noexcept { return error_ && error_->retriable(); }
  // Empty for a success.
  const char *message() const noexcept { return error_ ? error_->what() : ""; }
  // Only of a failure.
  const Error &error() const noexcept { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace redilock
