#include "client/calls.hpp"

#include <algorithm>

#include "client/failure.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

// A value that is no token is a foreign holder's, and is never touched.
std::optional<Error> why_no_token(const Claim &claim) {
  if (is_token(claim.token)) return std::nullopt;
  return no_token();
}

Error outcome(const std::optional<Unanswered> &failure, bool has_token) {
  if (failure) return outcome_of(*failure);
  return has_token ? done() : no_token();
}

}  // namespace

std::optional<Error> ReleaseLease::begin() {
  if (keeper_.begin_release(lease_)) return std::nullopt;
  return released_before();
}

Instant ExtendLease::deadline(Instant latest) const noexcept {
  return std::min(latest, lease_.end());
}

std::optional<Error> ReleaseToken::begin() { return why_no_token(claim_); }

Error ReleaseToken::end() { return outcome(machine_.failure(), machine_.owned()); }

std::optional<Error> ExtendToken::begin() { return why_no_token(claim_); }

Error ExtendToken::end() { return outcome(machine_.failure(), machine_.anchor().has_value()); }

Error BreakLock::end() {
  if (machine_.failure()) return outcome_of(*machine_.failure());
  return machine_.owned() ? done() : Error(Status::kNotOwner, "nobody holds it");
}

// It changes nothing on the server, so an unanswered one has no unknown outcome.
Error LookUp::end() {
  if (machine_.failure()) return *machine_.failure();
  info_ = std::move(machine_.info());
  return done();
}

}  // namespace redilock
