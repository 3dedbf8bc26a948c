// Lists of the lock names on a server, read a page at a time.
#include "handles.hpp"

using redilock::Error;
using redilock::kNever;
using redilock::Status;
using redilock::WaitContext;
using redilock::capi::copy_text;
using redilock::capi::guard;
using redilock::capi::NoCancellation;
using redilock::capi::require;

namespace {

// A pattern may escape each byte of a name, or give each one a set of its own.
constexpr size_t kPatternMax = size_t{16} * REDILOCK_NAME_MAX;

// A failure changes nothing, so that the next call asks for the same page again.
void read_page(redilock_list &list) {
  std::string cursor = list.cursor;
  list.page = list.core->list(list.held_part, list.pattern, cursor, {&list.interrupt, nullptr});
  list.cursor = std::move(cursor);
  if (list.cursor != "0") return;
  list.ended = !list.held_part;
  list.held_part = false;
}

// The next name that this list has not returned before; null after the last one.
const std::string *next_name(redilock_list &list) {
  for (;;) {
    while (!list.page.empty()) {
      const auto [name, is_new] = list.returned.insert(list.page.back());
      list.page.pop_back();
      if (is_new) return &*name;
    }
    if (list.ended) return nullptr;
    read_page(list);
  }
}

void forget_cancel(redilock_list &list) noexcept {
  list.interrupt.notifier.silence();
  list.interrupt.cancelled.store(false);
}

}  // namespace

extern "C" {

int32_t redilock_list_new(redilock_client_t *client, const char *pattern, size_t pattern_len,
                          redilock_list_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard([&] {
    require(client != nullptr, "client");
    require(out != nullptr, "out");
    client->core->check_usable();
    auto list = std::make_unique<redilock_list>();
    list->core = client->core;
    list->interrupt.on_signals = client->core->options().request.interruptible;
    if (pattern != nullptr) {
      if (pattern_len > kPatternMax) throw Error(Status::kInvalid, "pattern: it is too long");
      list->pattern.assign(pattern, pattern_len);
    }
    *out = list.release();
    return Status::kOk;
  });
}

int32_t redilock_list_next(redilock_list_t *list, const char **name, size_t *len) {
  if (name != nullptr) *name = nullptr;
  if (len != nullptr) *len = 0;
  if (list == nullptr || name == nullptr) return REDILOCK_E_INVALID;
  // In the child of a fork, the parent's call never ends.
  if (list->core->is_forked()) return REDILOCK_E_FORKED;
  if (list->busy.exchange(true)) return REDILOCK_E_INVALID;
  const int32_t status = guard(list->report, [&] {
    list->core->check_usable();
    WaitContext{list->core->clock(), kNever, &list->interrupt}.check();
    const std::string *next = next_name(*list);
    if (next == nullptr) return Status::kOk;
    *name = next->c_str();
    if (len != nullptr) *len = next->size();
    return Status::kOk;
  });
  if (status == REDILOCK_E_CANCELLED) forget_cancel(*list);
  list->busy.store(false);
  return status;
}

void redilock_list_cancel(redilock_list_t *list) {
  const NoCancellation uncancelled;
  if (list == nullptr || list->core->is_forked()) return;
  list->interrupt.cancel();
}

size_t redilock_list_message(const redilock_list_t *list, char *buffer, size_t size) {
  const bool has_ended = list != nullptr && !list->busy.load();
  return copy_text(has_ended ? list->report.message : std::string_view(), buffer, size);
}

int32_t redilock_list_retriable(const redilock_list_t *list) {
  return list != nullptr && !list->busy.load() && list->report.retriable ? 1 : 0;
}

void redilock_list_free(redilock_list_t *list) {
  const NoCancellation uncancelled;
  std::unique_ptr<redilock_list> owner(list);
}

}  // extern "C"
