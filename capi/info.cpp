// What was known of one lock at one moment.
#include "handles.hpp"

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
  if (info == nullptr || index >= info->info.waiter_labels.size()) return nullptr;
  return info->info.waiter_labels[index].c_str();
}

void redilock_info_free(redilock_info_t *info) { std::unique_ptr<redilock_info> owner(info); }

}  // extern "C"
