// Locks that were granted.
#include "handles.hpp"

using redilock::capi::copy_text;
using redilock::capi::guard;
using redilock::capi::NoCancellation;
using redilock::capi::require;

namespace {

const char *borrowed(const std::string &text, size_t *len) {
  if (len != nullptr) *len = text.size();
  return text.c_str();
}

const char *nothing(size_t *len) {
  if (len != nullptr) *len = 0;
  return nullptr;
}

redilock::Micros remaining(const redilock_lock_t *lock) {
  if (lock == nullptr || lock->core->is_forked()) return redilock::Micros(0);
  return lock->lease->remaining(lock->core->clock().now());
}

}  // namespace

extern "C" {

int32_t redilock_release(redilock_lock_t *lock) {
  return guard([&] {
    require(lock != nullptr, "lock");
    return lock->core->release(*lock->lease, {});
  });
}

int32_t redilock_extend(redilock_lock_t *lock, int64_t ttl_ms) {
  return guard([&] {
    require(lock != nullptr, "lock");
    return lock->core->extend(*lock->lease, redilock::checked_ttl(ttl_ms), {});
  });
}

void redilock_lock_free(redilock_lock_t *lock) {
  const NoCancellation uncancelled;
  std::unique_ptr<redilock_lock> owner(lock);
  if (lock != nullptr) lock->core->let_go(*lock->lease);
}

void redilock_lock_drop(redilock_lock_t *lock) {
  const NoCancellation uncancelled;
  std::unique_ptr<redilock_lock> owner(lock);
  if (lock != nullptr) lock->core->drop(*lock->lease);
}

int32_t redilock_lock_watch(redilock_lock_t *lock, uint64_t tag) {
  return guard([&] {
    require(lock != nullptr, "lock");
    lock->core->watch(lock->lease, tag);
    return redilock::Status::kOk;
  });
}

int32_t redilock_lock_wait_lost(redilock_lock_t *lock, int64_t timeout_ms) {
  return guard([&] {
    require(lock != nullptr, "lock");
    return lock->core->wait_for_loss(lock->lease, redilock::checked_wait(timeout_ms));
  });
}

size_t redilock_lock_message(const redilock_lock_t *lock, char *buffer, size_t size) {
  std::string message;
  if (lock == nullptr) return copy_text(message, buffer, size);
  try {
    message = lock->core->message(*lock->lease);
  } catch (const std::bad_alloc &) {
    message.clear();
  }
  return copy_text(message, buffer, size);
}

int64_t redilock_lock_remaining_ms(const redilock_lock_t *lock) {
  return std::chrono::duration_cast<redilock::Millis>(remaining(lock)).count();
}

int32_t redilock_lock_is_held(const redilock_lock_t *lock) {
  return remaining(lock) > redilock::Micros(0) ? 1 : 0;
}

int64_t redilock_lock_fence(const redilock_lock_t *lock) {
  return lock == nullptr ? 0 : lock->lease->fence();
}

const char *redilock_lock_token(const redilock_lock_t *lock, size_t *len) {
  return lock == nullptr ? nothing(len) : borrowed(lock->lease->claim().token, len);
}

const char *redilock_lock_name(const redilock_lock_t *lock, size_t *len) {
  return lock == nullptr ? nothing(len) : borrowed(lock->lease->name(), len);
}

}  // extern "C"
