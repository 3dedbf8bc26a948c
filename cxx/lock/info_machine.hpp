// A look-up of who holds a lock and who waits for it, as a machine: see releasing.hpp. No I/O.
#pragma once

#include <optional>

#include "lock/replies.hpp"
#include "lock/requests.hpp"

namespace redilock {

class InfoMachine {
 public:
  explicit InfoMachine(LockKeys keys) : keys_(std::move(keys)) {}

  template <typename Ask>
  auto ask(Ask ask) const {
    return requests::info(keys_, std::move(ask));
  }
  bool replied(const Answer &answer) noexcept;
  void failed(const Unanswered &why) noexcept { failure_ = why; }

  LockInfo &info() noexcept { return info_; }
  const std::optional<Unanswered> &failure() const noexcept { return failure_; }

 private:
  const LockKeys keys_;
  LockInfo info_;
  std::optional<Unanswered> failure_;
};

}  // namespace redilock
