// A lock that was granted.
#ifndef REDILOCK_CXX_LOCK_HPP
#define REDILOCK_CXX_LOCK_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "error.hpp"
#include "options.hpp"

namespace redilock {
inline namespace v0 {

/// A lock that was granted. It can be moved. An empty one, made by Lock() or moved from, holds
/// nothing, and its calls return Status::invalid.
///
/// The destructor releases what is still held. It waits for the server's answer, for at most the
/// client's `timeout`; the lock of an asynchronous acquire is released in the background instead.
/// It cannot say that the lock was lost: end the guarded work with release(), which does.
class Lock {
 public:
  Lock() = default;
  /// Takes the handle over. With `drops`, the destructor releases in the background.
  explicit Lock(redilock_lock_t *handle, bool drops = false) noexcept
      : handle_(handle), drops_(drops) {}
  Lock(Lock &&other) noexcept = default;
  Lock &operator=(Lock &&other) noexcept {
    Lock old(std::move(*this));
    watch_ = std::move(other.watch_);
    handle_ = std::move(other.handle_);
    drops_ = other.drops_;
    return *this;
  }
  ~Lock() {
    watch_.reset();
    if (!drops_ && is_held()) static_cast<void>(redilock_release(handle_.get()));
    drop();
  }

  /// Releases the lock and hands it to the next waiter. Blocks for at most the client's `timeout`.
  /// Status::lost says that it was lost before: somebody else may hold it. Status::not_owner says
  /// that it was released before.
  Result<void> release(std::nothrow_t) { return ended(redilock_release(handle_.get())); }
  void release() { release(std::nothrow).value(); }

  /// Extends the lock to last at least `ttl` from now. Blocks for at most the client's `timeout`.
  /// Status::lost says that it was lost. After Status::unavailable and unknown the old lease
  /// counts.
  template <typename Rep, typename Period>
  Result<void> extend(std::nothrow_t, std::chrono::duration<Rep, Period> ttl) {
    // NaN is below every lease.
    const std::int64_t ttl_ms = ttl != ttl ? 0 : detail::milliseconds(ttl, false);
    return ended(redilock_extend(handle_.get(), ttl_ms));
  }
  template <typename Rep, typename Period>
  void extend(std::chrono::duration<Rep, Period> ttl) {
    extend(std::nothrow, ttl).value();
  }

  /// Whether the lock is surely held, by the local clock. Asks no server.
  bool is_held() const noexcept { return redilock_lock_is_held(handle_.get()) != 0; }
  explicit operator bool() const noexcept { return is_held(); }
  /// For how much longer it is surely held, in whole milliseconds. Asks no server.
  std::chrono::milliseconds remaining() const noexcept {
    return std::chrono::milliseconds(redilock_lock_remaining_ms(handle_.get()));
  }
  /// A number above that of each earlier grant of the name; 0 without a fence. Pass it with
  /// each write, and let the store refuse smaller ones.
  std::int64_t fence() const noexcept { return redilock_lock_fence(handle_.get()); }
  /// The name without the prefix.
  std::string name() const { return text(redilock_lock_name); }
  /// The secret by which any process can release, extend or attach the lock.
  std::string token() const { return text(redilock_lock_token); }
  /// Why the lock was lost, or else why its last release, extension or renewal failed.
  std::string message() const {
    return detail::copied([this](char *to, std::size_t size) {
      return redilock_lock_message(handle_.get(), to, size);
    });
  }

  /// Waits until the lock is lost: true, or false after `timeout` and once a release has begun.
  /// Any thread may wait, while another works under the lock.
  template <typename Rep, typename Period>
  Result<bool> wait_lost(std::nothrow_t, std::chrono::duration<Rep, Period> timeout) {
    const std::int32_t status =
        redilock_lock_wait_lost(handle_.get(), detail::milliseconds(timeout, true));
    if (status == REDILOCK_E_LOST) return true;
    if (status == REDILOCK_E_TIMEOUT || status == REDILOCK_E_NOT_OWNER) return false;
    return detail::failure(status);
  }
  template <typename Rep, typename Period>
  bool wait_lost(std::chrono::duration<Rep, Period> timeout) {
    return wait_lost(std::nothrow, timeout).value();
  }
  bool wait_lost() { return wait_lost(forever); }

  /// Leaves the lock empty, and lets the client release it in the background. Never blocks.
  void drop() noexcept {
    watch_.reset();
    redilock_lock_drop(handle_.release());
  }
  /// Leaves the lock empty and releases nothing: for a lock whose token was passed on, and which
  /// another process attaches. It is renewed no more.
  void detach() noexcept {
    watch_.reset();
    handle_.reset();
  }
  redilock_lock_t *handle() const noexcept { return handle_.get(); }

 private:
  friend class Requests;

  template <typename Get>
  std::string text(Get get) const {
    std::size_t length = 0;
    const char *bytes = get(handle_.get(), &length);
    return bytes == nullptr ? std::string() : std::string(bytes, length);
  }
  Result<void> ended(std::int32_t status) const {
    if (status == REDILOCK_OK) return {};
    return detail::failure(status, message().c_str());
  }

  detail::Handle<redilock_lock_t, redilock_lock_free> handle_;
  bool drops_ = false;
  std::shared_ptr<void> watch_;  // its end takes the callback of a loss away
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_LOCK_HPP
