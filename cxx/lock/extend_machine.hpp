// An extension of a lease, from its request to its outcome, as a machine: see machine.hpp. Also
// each renewal of a lease. No I/O.
#pragma once

#include <optional>

#include "lock/claim.hpp"
#include "lock/machine.hpp"

namespace redilock {

class ExtendMachine final : public Machine {
 public:
  // The claim has to outlive the machine.
  ExtendMachine(const Claim &claim, Millis ttl) : claim_(claim), ttl_(ttl) {}

  void ask(Send send) const override;
  // Returns false: it is one request.
  bool replied(const Answer &answer) override;
  void failed(const Unanswered &why) noexcept override { failure_ = why; }

  Millis ttl() const noexcept { return ttl_; }
  // The lease lasts for the ttl from then on: when the request was sent. Nothing if the token does
  // not hold the lock, or the extension failed.
  const std::optional<Instant> &anchor() const noexcept { return anchor_; }
  // Why there is no reply, or nothing.
  const std::optional<Unanswered> &failure() const noexcept { return failure_; }

 private:
  const Claim &claim_;
  const Millis ttl_;
  std::optional<Instant> anchor_;
  std::optional<Unanswered> failure_;
};

}  // namespace redilock
