// What is known of a lock, and the list of all locks.
#include "handles.hpp"

using redilock::Status;
using redilock::capi::guard_op;
using redilock::capi::require;

namespace {

// Reads pages until there is a name that was not told before, or no more.
bool advance(redilock_list &list) {
  for (;;) {
    while (!list.page.empty()) {
      list.current = std::move(list.page.front());
      list.page.pop_front();
      if (list.told.insert(list.current).second) return true;
    }
    if (list.ended) return false;
    auto names = list.op->core->list(list.held_part, list.pattern, list.cursor, list.op->call());
    list.page.assign(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
    if (list.cursor != "0") continue;
    list.ended = !list.held_part;
    list.held_part = false;
  }
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
  if (info == nullptr || index >= info->info.waiter_labels.size()) return nullptr;
  return info->info.waiter_labels[index].c_str();
}

void redilock_info_free(redilock_info_t *info) { std::unique_ptr<redilock_info> owner(info); }

int32_t redilock_list_next(redilock_list_t *list, const char **name, size_t *len) {
  if (name != nullptr) *name = nullptr;
  if (len != nullptr) *len = 0;
  if (list == nullptr || name == nullptr) return REDILOCK_E_INVALID;
  return guard_op(list->op, redilock::readers::kInfo, [&] {
    if (!advance(*list)) return Status::kOk;
    *name = list->current.c_str();
    if (len != nullptr) *len = list->current.size();
    return Status::kOk;
  });
}

void redilock_list_free(redilock_list_t *list) { std::unique_ptr<redilock_list> owner(list); }

}  // extern "C"
