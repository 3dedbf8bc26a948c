// A lock name in the shape of a standard mutex.
#ifndef REDILOCK_CXX_MUTEX_HPP
#define REDILOCK_CXX_MUTEX_HPP

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "client.hpp"

namespace redilock {
inline namespace v0 {

/// A lock name in the shape of a standard mutex: a TimedLockable, for std::unique_lock,
/// std::lock_guard and std::scoped_lock. One object may serve all threads of a process.
///
/// A standard mutex cannot be lost, and this one can: its unlock() cannot say so. Ask is_held()
/// before a write, pass fence() with it, or end the work with release(). Long work wants the option
/// "renew".
///
/// Where it cannot lock, it throws redilock::Error. A thread that locks a second time what it holds
/// gets std::system_error (resource_deadlock_would_occur).
class Mutex {
 public:
  /// The client must outlive the mutex. The options are those of each acquire.
  Mutex(Client &client, std::string name, Options options = {})
      : client_(client), name_(std::move(name)), options_(std::move(options)) {}
  Mutex(const Mutex &) = delete;
  Mutex &operator=(const Mutex &) = delete;

  /// Waits for the lock as long as the option "wait" says, and without it for ever.
  void lock() {
    refuse_second();
    keep(client_.acquire(name_, options_));
  }

  /// Locks if nobody holds the lock or waits for it.
  bool try_lock() { return try_lock_for(std::chrono::milliseconds(0)); }

  template <typename Rep, typename Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> wait) {
    refuse_second();
    Options options = options_;
    // A negative wait is for ever in the library, and over here.
    options.emplace_back("wait", wait < wait.zero() ? wait.zero() : wait);
    auto lock = client_.try_acquire(name_, options);
    if (lock) keep(std::move(*lock));
    return lock.has_value();
  }

  template <typename Clock, typename Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration> &deadline) {
    return try_lock_for(deadline - Clock::now());
  }

  /// Releases what this thread holds. A failure is dropped: the lease ends by itself.
  void unlock() noexcept { static_cast<void>(take()); }

  /// As unlock(), but throws LostError where the lock was lost, and other failures of a release.
  void release() { take().release(); }

  /// Whether this thread surely holds the lock. Asks no server.
  bool is_held() const { return seen(&Lock::is_held); }
  /// The fence of what this thread holds, else 0.
  std::int64_t fence() const { return seen(&Lock::fence); }
  /// The name without the prefix.
  const std::string &name() const noexcept { return name_; }

 private:
  void refuse_second() const {
    if (is_held()) {
#ifdef __cpp_exceptions
      throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur));
#else
      std::terminate();
#endif
    }
  }

  void keep(Lock lock) {
    const std::lock_guard<std::mutex> guard(mutex_);
    held_.insert_or_assign(std::this_thread::get_id(), std::move(lock));
  }

  Lock take() {
    const std::lock_guard<std::mutex> guard(mutex_);
    auto node = held_.extract(std::this_thread::get_id());
    return node.empty() ? Lock() : std::move(node.mapped());
  }

  template <typename T>
  T seen(T (Lock::*get)() const noexcept) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto found = held_.find(std::this_thread::get_id());
    return found == held_.end() ? T() : (found->second.*get)();
  }

  Client &client_;
  const std::string name_;
  const Options options_;
  mutable std::mutex mutex_;  // guards held_
  // By thread, because after a loss a second thread may be granted the lock: each unlocks its own.
  std::map<std::thread::id, Lock> held_;
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_MUTEX_HPP
