#include "wire/fences.hpp"

#include <algorithm>

#include "values/status.hpp"

namespace redilock {

namespace {

[[noreturn]] void misplaced(const char *what) {
  throw Error(Status::kProtocol,
              std::string("the server's reply belongs to another request: ") + what);
}

}  // namespace

void SeenFences::check(std::string_view key, const Reply &reply) {
  if (reply.kind() != Reply::Kind::kInteger) return;
  const int64_t number = reply.integer();
  if (key.empty()) {
    if (number >= kFirstFence) misplaced("a fence, and none was asked for");
  } else if (number != 0) {  // 0: a grant without a fence
    if (number < kFirstFence) misplaced("not a fence");
    check_fence(key, number);
  }
}

void SeenFences::check_fence(std::string_view key, int64_t fence) {
  for (const Seen &seen : seen_) {
    if (seen.fence == 0) continue;
    if (seen.key == key && fence <= seen.fence) misplaced("its fence is not above the last one");
    if (seen.key != key && fence == seen.fence)
      throw Error(Status::kUnavailable, "the connection repeated the fence of another lock", true);
  }
  const auto is_key = [key](const Seen &seen) { return seen.key == key; };
  auto entry = std::find_if(seen_.begin(), seen_.end(), is_key);
  if (entry == seen_.end()) {
    --entry;  // the one that was used longest ago
    entry->fence = 0;
    entry->key.assign(key);
  }
  entry->fence = fence;
  std::rotate(seen_.begin(), entry, entry + 1);
}

}  // namespace redilock
