// A claim for tests, by the digits of its token and the lock's name.
#pragma once

#include <string>

#include "lock/claim.hpp"
#include "values/token.hpp"

inline redilock::Claim claim_of(const std::string &id, const char *name,
                                redilock::Millis ttl = redilock::Millis(5000)) {
  return {redilock::LockKeys("", name), redilock::make_token(id, "label"), ttl};
}
