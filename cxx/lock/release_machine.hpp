// A release or a break of a lock, from its first request to its outcome, as a machine: its driver
// sends the requests and reports what came back. Blocking calls and the service thread drive the
// same one. No I/O.
#pragma once

#include <optional>

#include "lock/claim.hpp"
#include "lock/machine.hpp"

namespace redilock {

class ReleaseMachine final : public Machine {
 public:
  // Releases the lock if the claim's token holds it; else gives up the claim's place in the queue.
  // A break: releases the lock, whoever holds it. The claim has to outlive the machine.
  enum class By { kOwner, kForce };
  explicit ReleaseMachine(const Claim &claim, By by = By::kOwner) : claim_(claim), by_(by) {}

  void ask(Send send) const override;
  // Returns whether to send the request again: the server dropped some dead waiters, and a living
  // one may be behind the rest.
  bool replied(const Answer &answer) override;
  // The server did not answer, or refused. It counts only before the first reply: after it the lock
  // is free already, and the living behind the dead find it by their re-check.
  void failed(const Unanswered &why) noexcept override;

  // Whether the token held the lock. True as well where an earlier request of the same call got no
  // reply, because that one may have released the lock.
  bool owned() const noexcept { return owned_; }
  // Whether dead waiters are left.
  bool more() const noexcept { return more_; }
  // When the request was sent that got the first reply.
  Instant at() const noexcept { return at_; }
  // Why there is no reply, or nothing.
  const std::optional<Unanswered> &failure() const noexcept { return failure_; }

 private:
  const Claim &claim_;
  const By by_;
  bool owned_ = false;
  bool more_ = false;
  Instant at_{};
  std::optional<Unanswered> failure_;
};

}  // namespace redilock
