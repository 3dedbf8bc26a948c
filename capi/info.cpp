// What was known of one lock at one moment.
#include <algorithm>

#include "handles.hpp"

using redilock::LockInfo;

namespace {

// Null past the last that is known.
const LockInfo::Waiter *waiter_at(const redilock_info_t *info, size_t index) {
  if (info == nullptr || index >= info->info.queue.size()) return nullptr;
  return &info->info.queue[index];
}

}  // namespace

extern "C" {

int32_t redilock_info_state(const redilock_info_t *info) {
  if (info == nullptr || !info->info.exists) return REDILOCK_STATE_FREE;
  return info->info.foreign ? REDILOCK_STATE_FOREIGN : REDILOCK_STATE_HELD;
}

const char *redilock_info_label(const redilock_info_t *info) {
  return info == nullptr ? nullptr : info->info.label.c_str();
}

int64_t redilock_info_remaining_ms(const redilock_info_t *info) {
  return info == nullptr ? 0 : info->info.remaining_ms;
}

int64_t redilock_info_waiters(const redilock_info_t *info) {
  return info == nullptr ? 0 : info->info.waiters;
}

const char *redilock_info_waiter_label(const redilock_info_t *info, size_t index) {
  const LockInfo::Waiter *waiter = waiter_at(info, index);
  return waiter == nullptr ? nullptr : waiter->label.c_str();
}

int64_t redilock_info_waiter_since_ms(const redilock_info_t *info, size_t index) {
  const LockInfo::Waiter *waiter = waiter_at(info, index);
  return waiter == nullptr || !waiter->waits_since ? -1 : waiter->waits_since->count();
}

int32_t redilock_info_waiter_polls(const redilock_info_t *info, size_t index) {
  const LockInfo::Waiter *waiter = waiter_at(info, index);
  return waiter != nullptr && waiter->polls ? 1 : 0;
}

int32_t redilock_info_is(const redilock_info_t *info, const char *token, size_t token_len) {
  if (info == nullptr || token == nullptr) return 0;
  const std::string_view text(token, token_len);
  const auto &holders = info->info.holders;
  return std::find(holders.begin(), holders.end(), text) != holders.end() ? 1 : 0;
}

// Protocol 1 keeps neither the time of a grant nor its fence: the lock key has the token and the
// end of the lease, which extensions move, and the counter serves other names and arrivals too.
void redilock_info_free(redilock_info_t *info) { std::unique_ptr<redilock_info> owner(info); }

}  // extern "C"
