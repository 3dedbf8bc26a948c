// The messages on a wake channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "values/duration.hpp"

namespace redilock {

// A message on the wake channel, for one waiter.
struct Push {
  enum class Kind {
    kGrant,  // the lock was handed to the waiter
    kNext    // the waiter is now the head, and re-checks in `recheck_in`
  };
  Kind kind;
  std::string id;        // of the waiter's token
  int64_t fence;         // of a grant
  int64_t server_us;     // when the server sent it
  Millis recheck_in{0};  // of `next`
};

// Nothing for a payload of another form. Ignores what a later version may add behind a blank.
std::optional<Push> parse_push(std::string_view payload);

}  // namespace redilock
