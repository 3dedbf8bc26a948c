// The fences that a connection has brought, to notice replies that answer something else.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "values/fence.hpp"
#include "values/reply.hpp"

namespace redilock {

// A server answers in order, and the counter of a fence key rises. A fence that is not above the
// last one of its key is therefore the reply to an earlier request, for instance a late duplicate.
// Counters of different keys are independent: a duplicate may arrive as a reply about another key,
// and it then equals the last fence there. Only the last few keys are remembered, because a client
// may use thousands, and a duplicate is seldom older than that.
class SeenFences {
 public:
  // Checks the reply to a script that draws its fence from `key`, which is empty for a script or
  // request without a fence. Throws Error(kProtocol) where the reply belongs to another request,
  // and Error(kUnavailable) where that may be by chance. The connection is then of no use.
  void check(std::string_view key, const Reply &reply);

 private:
  struct Seen {
    std::string key;
    int64_t fence = 0;  // 0 for an entry that is not in use
  };
  void check_fence(std::string_view key, int64_t fence);

  std::array<Seen, 4> seen_;  // the last one first
};

}  // namespace redilock
