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

Outcome outcome(const std::optional<Unanswered> &failure, bool has_token) {
  if (failure) return outcome_of(*failure);
  if (!has_token) return no_token();
  return {};
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

Outcome ReleaseToken::end() { return outcome(machine_.failure(), machine_.owned()); }

std::optional<Error> ExtendToken::begin() { return why_no_token(claim_); }

Outcome ExtendToken::end() { return outcome(machine_.failure(), machine_.anchor().has_value()); }

Outcome BreakLock::end() {
  if (machine_.failure()) return outcome_of(*machine_.failure());
  if (!machine_.owned()) return Error(Status::kNotOwner, "nobody holds it");
  return {};
}

// It changes nothing on the server, so an unanswered one has no unknown outcome.
Outcome LookUp::end() {
  if (machine_.failure()) return *machine_.failure();
  info_ = std::move(machine_.info());
  return {};
}

}  // namespace redilock
