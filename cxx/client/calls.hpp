// The calls on a lock other than acquire. Each one says whether the server is to be asked, by which
// machine, and what the outcome is for the caller. Client runs them on the caller's thread, and
// Submissions on the service thread.
#pragma once

#include <optional>

#include "client/lease_keeper.hpp"
#include "lock/info_machine.hpp"

namespace redilock {

class LockCall {
 public:
  virtual ~LockCall() = default;
  // Why the server need not be asked: the call fails at once.
  virtual std::optional<Error> begin() { return std::nullopt; }
  virtual Machine &machine() noexcept = 0;
  // By when the server has to answer; `latest`: what the client allows.
  virtual Instant deadline(Instant latest) const noexcept { return latest; }
  // The outcome of what was asked.
  virtual Outcome end() = 0;
};

class ReleaseLease final : public LockCall {
 public:
  ReleaseLease(LeaseKeeper &keeper, Lease &lease)
      : keeper_(keeper), lease_(lease), machine_(lease.claim()) {}
  std::optional<Error> begin() override;
  Machine &machine() noexcept override { return machine_; }
  Outcome end() override { return keeper_.end_release(lease_, machine_); }

 private:
  LeaseKeeper &keeper_;
  Lease &lease_;
  ReleaseMachine machine_;
};

class ExtendLease final : public LockCall {
 public:
  ExtendLease(LeaseKeeper &keeper, Lease &lease, Millis ttl)
      : keeper_(keeper), lease_(lease), machine_(lease.claim(), ttl) {}
  std::optional<Error> begin() override { return keeper_.why_ended(lease_); }
  Machine &machine() noexcept override { return machine_; }
  Instant deadline(Instant latest) const noexcept override;
  Outcome end() override { return keeper_.end_extension(lease_, machine_); }

 private:
  LeaseKeeper &keeper_;
  Lease &lease_;
  ExtendMachine machine_;
};

// Of a token alone, as the next one.
class ReleaseToken final : public LockCall {
 public:
  explicit ReleaseToken(Claim claim) : claim_(std::move(claim)), machine_(claim_) {}
  std::optional<Error> begin() override;
  Machine &machine() noexcept override { return machine_; }
  Outcome end() override;

 private:
  const Claim claim_;
  ReleaseMachine machine_;
};

class ExtendToken final : public LockCall {
 public:
  ExtendToken(Claim claim, Millis ttl) : claim_(std::move(claim)), machine_(claim_, ttl) {}
  std::optional<Error> begin() override;
  Machine &machine() noexcept override { return machine_; }
  Outcome end() override;

 private:
  const Claim claim_;
  ExtendMachine machine_;
};

class BreakLock final : public LockCall {
 public:
  explicit BreakLock(LockKeys keys)
      : claim_{std::move(keys), {}, Millis(0)}, machine_(claim_, ReleaseMachine::By::kForce) {}
  Machine &machine() noexcept override { return machine_; }
  Outcome end() override;

 private:
  const Claim claim_;
  ReleaseMachine machine_;
};

class LookUp final : public LockCall {
 public:
  LookUp(LockKeys keys, LockInfo &info) : info_(info), machine_(std::move(keys)) {}
  Machine &machine() noexcept override { return machine_; }
  Outcome end() override;

 private:
  LockInfo &info_;
  InfoMachine machine_;
};

}  // namespace redilock
