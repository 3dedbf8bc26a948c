// One attempt to hold a lock.
#pragma once

#include <string>

#include "values/duration.hpp"
#include "values/name.hpp"

namespace redilock {

// Its token identifies it.
struct Claim {
  LockKeys keys;
  std::string token;
  Millis ttl;
  bool fence = true;
  // Under which the claim may have a place in the queue; empty if it never asked for one.
  std::string channel = {};
};

}  // namespace redilock
