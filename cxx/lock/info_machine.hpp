// A look-up of who holds a lock and who waits for it, as a machine: see machine.hpp. No I/O.
#pragma once

#include <optional>

#include "lock/machine.hpp"
#include "lock/replies.hpp"

namespace redilock {

class InfoMachine final : public Machine {
 public:
  explicit InfoMachine(LockKeys keys) : keys_(std::move(keys)) {}

  void ask(Send send) const override;
  bool replied(const Answer &answer) override;
  void failed(const Unanswered &why) noexcept override { failure_ = why; }

  LockInfo &info() noexcept { return info_; }
  const std::optional<Unanswered> &failure() const noexcept { return failure_; }

 private:
  const LockKeys keys_;
  LockInfo info_;
  std::optional<Unanswered> failure_;
};

}  // namespace redilock
