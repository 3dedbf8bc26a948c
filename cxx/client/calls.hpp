// The calls on a lock other than acquire. Each one says whether the server is to be asked, by which
// machine, and what the outcome is for the caller. Client runs them on the caller's thread, and
// Submissions on the service thread.
#pragma once

#include <algorithm>
#include <optional>

#include "client/failure.hpp"
#include "client/lease_keeper.hpp"
#include "lock/info_machine.hpp"
#include "values/token.hpp"

namespace redilock {

class ReleaseLease {
 public:
  ReleaseLease(LeaseKeeper &keeper, Lease &lease)
      : keeper_(keeper), lease_(lease), machine_(lease.claim()) {}

  // The outcome, if the server need not be asked.
  std::optional<Error> begin() {
    if (keeper_.begin_release(lease_)) return std::nullopt;
    return released_before();
  }
  ReleaseMachine &machine() noexcept { return machine_; }
  // By when the server has to answer; `latest`: what the client allows.
  Instant deadline(Instant latest) const noexcept { return latest; }
  // The outcome of what was asked.
  Error end() { return keeper_.end_release(lease_, machine_); }

 private:
  LeaseKeeper &keeper_;
  Lease &lease_;
  ReleaseMachine machine_;
};

class ExtendLease {
 public:
  ExtendLease(LeaseKeeper &keeper, Lease &lease, Millis ttl)
      : keeper_(keeper), lease_(lease), machine_(lease.claim(), ttl) {}

  std::optional<Error> begin() { return keeper_.why_ended(lease_); }
  ExtendMachine &machine() noexcept { return machine_; }
  Instant deadline(Instant latest) const noexcept { return std::min(latest, lease_.end()); }
  Error end() { return keeper_.end_extension(lease_, machine_); }

 private:
  LeaseKeeper &keeper_;
  Lease &lease_;
  ExtendMachine machine_;
};

// Of a token alone. A value that is no token is a foreign holder's, and is never touched.
template <typename Machine>
class TokenCall {
 public:
  template <typename... Arguments>
  explicit TokenCall(Claim claim, Arguments... arguments)
      : claim_(std::move(claim)), machine_(claim_, arguments...) {}

  std::optional<Error> begin() const {
    if (is_token(claim_.token)) return std::nullopt;
    return no_token();
  }
  Machine &machine() noexcept { return machine_; }
  Instant deadline(Instant latest) const noexcept { return latest; }
  Error end() const {
    if (machine_.failure()) return outcome_of(*machine_.failure());
    return has_token(machine_) ? done() : no_token();
  }

 private:
  static bool has_token(const ReleaseMachine &machine) noexcept { return machine.owned(); }
  static bool has_token(const ExtendMachine &machine) noexcept {
    return machine.anchor().has_value();
  }

  const Claim claim_;
  Machine machine_;
};
using ReleaseToken = TokenCall<ReleaseMachine>;
using ExtendToken = TokenCall<ExtendMachine>;

class BreakLock {
 public:
  explicit BreakLock(LockKeys keys)
      : claim_{std::move(keys), {}, Millis(0)}, machine_(claim_, ReleaseMachine::By::kForce) {}

  std::optional<Error> begin() const { return std::nullopt; }
  ReleaseMachine &machine() noexcept { return machine_; }
  Instant deadline(Instant latest) const noexcept { return latest; }
  Error end() const {
    if (machine_.failure()) return outcome_of(*machine_.failure());
    return machine_.owned() ? done() : Error(Status::kNotOwner, "nobody holds it");
  }

 private:
  const Claim claim_;
  ReleaseMachine machine_;
};

class LookUp {
 public:
  LookUp(LockKeys keys, LockInfo &info) : info_(info), machine_(std::move(keys)) {}

  std::optional<Error> begin() const { return std::nullopt; }
  InfoMachine &machine() noexcept { return machine_; }
  Instant deadline(Instant latest) const noexcept { return latest; }
  // It changes nothing on the server, so an unanswered one is no unknown outcome.
  Error end() {
    if (machine_.failure()) return *machine_.failure();
    info_ = std::move(machine_.info());
    return done();
  }

 private:
  LockInfo &info_;
  InfoMachine machine_;
};

}  // namespace redilock
