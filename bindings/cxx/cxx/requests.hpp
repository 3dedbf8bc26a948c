// What a client does without a thread for each wait: requests that are submitted, and their ends.
#ifndef REDILOCK_CXX_REQUESTS_HPP
#define REDILOCK_CXX_REQUESTS_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "awaitable.hpp"
#include "error.hpp"
#include "events.hpp"
#include "info.hpp"
#include "lock.hpp"
#include "operation.hpp"
#include "options.hpp"

namespace redilock {
inline namespace v0 {

/// The part of Client that submits requests, any number at once; call drain() or run() in one
/// thread.
class Requests {
 public:
  /// A descriptor that is readable while completions wait, for poll and every event loop. It
  /// belongs to the client: take it out of the loop before the client is destroyed.
  Result<int> fd(std::nothrow_t) {
    std::int32_t descriptor = -1;
    const std::int32_t status = redilock_client_fd(handle(), &descriptor);
    if (status != REDILOCK_OK) return detail::failure(status);
    return static_cast<int>(descriptor);
  }
  int fd() { return fd(std::nothrow).value(); }

  /// Takes up to `limit` completions: calls their callbacks and resumes their coroutines. Returns
  /// their number. Never blocks by itself. What a callback throws passes through.
  std::size_t drain(std::size_t limit = 256) { return events_->drain(limit); }

  /// Drains until the client is closed: for a thread of its own.
  void run() {
    while (redilock_client_wait(handle(), -1) == REDILOCK_OK) drain();
    drain();
  }

  /// Each of these submits a request and calls `done` with a Result once it has ended: in drain()
  /// or run(), or at once where it cannot be submitted. The requests of one thread for one name
  /// queue in their order. Renewal begins when the callback is given the lock.
  template <typename Done>
  Ticket acquire_async(std::string_view name, const Options &options, Done done) {
    return submit(acquiring(name, options), std::move(done));
  }
  /// The lock must outlive the request, as it must for extend_async().
  template <typename Done>
  Ticket release_async(Lock &lock, Done done) {
    return submit(releasing(lock), std::move(done));
  }
  template <typename Rep, typename Period, typename Done>
  Ticket extend_async(Lock &lock, std::chrono::duration<Rep, Period> ttl, Done done) {
    return submit(extending(lock, {{"ttl", ttl}}), std::move(done));
  }
  template <typename Done>
  Ticket break_async(std::string_view name, Done done) {
    return submit(breaking(name), std::move(done));
  }
  template <typename Done>
  Ticket info_async(std::string_view name, Done done) {
    return submit(looking_up(name), std::move(done));
  }
  /// Calls `done` when the lock is lost; not once it was destroyed, dropped or detached. A lock has
  /// one such callback or coroutine.
  template <typename Done>
  void on_lost(Lock &lock, Done done) {
    auto submission = watching(lock);
    const std::weak_ptr<detail::Pending> pending = events_->pending();
    // It forgets the request, which holds the callback. A second watch is refused, and must leave
    // the first alone.
    if (lock.watch_.use_count() == 0) {
      lock.watch_ = std::shared_ptr<void>(nullptr, [pending, request = submission.request](void *) {
        if (const auto table = pending.lock()) table->take(request->tag);
      });
    }
    submit(std::move(submission), std::move(done));
  }

  /// Calls `callback()` in drain() or run() when lines of the log wait, with the options "log" and
  /// "log_notify": take all by Client::next_log_line(). Set it before the first drain().
  void on_log(std::function<void()> callback) { events_->set_on_log(std::move(callback)); }

#ifdef REDILOCK_COROUTINES
  /// The same for coroutines: `Lock lock = co_await client.acquire_async("report", options)`.
  /// A stop token cancels the wait. With std::nothrow, co_await gives a Result. GCC 12 compiles no
  /// braced list inside a co_await: name the options before.
  Awaitable<Lock, true> acquire_async(std::string_view name, const Options &options = {},
                                      std::stop_token stop = {}) {
    return Awaitable<Lock, true>(acquiring(name, options), std::move(stop));
  }
  Awaitable<Lock, false> acquire_async(std::nothrow_t, std::string_view name,
                                       const Options &options = {}, std::stop_token stop = {}) {
    return Awaitable<Lock, false>(acquiring(name, options), std::move(stop));
  }
  Awaitable<void, true> release_async(Lock &lock) { return Awaitable<void, true>(releasing(lock)); }
  Awaitable<void, false> release_async(std::nothrow_t, Lock &lock) {
    return Awaitable<void, false>(releasing(lock));
  }
  template <typename Rep, typename Period>
  Awaitable<void, true> extend_async(Lock &lock, std::chrono::duration<Rep, Period> ttl) {
    return Awaitable<void, true>(extending(lock, {{"ttl", ttl}}));
  }
  template <typename Rep, typename Period>
  Awaitable<void, false> extend_async(std::nothrow_t, Lock &lock,
                                      std::chrono::duration<Rep, Period> ttl) {
    return Awaitable<void, false>(extending(lock, {{"ttl", ttl}}));
  }
  /// Status::not_owner says that nobody held it.
  Awaitable<void, false> break_async(std::nothrow_t, std::string_view name) {
    return Awaitable<void, false>(breaking(name));
  }
  Awaitable<Info, true> info_async(std::string_view name) {
    return Awaitable<Info, true>(looking_up(name));
  }
  Awaitable<Info, false> info_async(std::nothrow_t, std::string_view name) {
    return Awaitable<Info, false>(looking_up(name));
  }
  /// Goes on when the lock is lost, and with Status::closed once the client is closed. It does not
  /// go on where the lock is released or destroyed before: destroy the coroutine then.
  Awaitable<void, true> lost_async(Lock &lock) { return Awaitable<void, true>(watching(lock)); }
  Awaitable<void, false> lost_async(std::nothrow_t, Lock &lock) {
    return Awaitable<void, false>(watching(lock));
  }
#endif

  redilock_client_t *handle() const noexcept { return events_ ? events_->client() : nullptr; }

 protected:
  using Operation = detail::Operation;

  explicit Requests(redilock_client_t *handle)
      : events_(std::make_unique<detail::Events>(handle)) {}
  Requests(Requests &&) = default;
  Requests &operator=(Requests &&other) noexcept {
    const Requests old(std::move(*this));
    events_ = std::move(other.events_);
    return *this;
  }
  // What ends here may call the client once more.
  ~Requests() {
    if (events_) events_->end();
  }

  Operation operation() const { return Operation(handle()); }
  Operation operation(std::string_view name, const Options &options = {}) const {
    Operation op = operation();
    detail::set(op.get(), "name", name);
    detail::set(op.get(), options);
    return op;
  }
  Operation operation(std::string_view name, std::string_view token,
                      const Options &options = {}) const {
    Operation op = operation(name, options);
    detail::set(op.get(), "token", token);
    return op;
  }

 private:
  template <typename T>
  using Submission = detail::Submission<T>;

  // An empty lock must not become a request by name and token.
  template <typename Call>
  static auto of(Call call, Lock &lock) {
    return [call, held = lock.handle()](redilock_op_t *op, std::uint64_t tag) {
      return held == nullptr ? std::int32_t{REDILOCK_E_INVALID} : call(op, held, tag);
    };
  }

  template <typename T, typename Start>
  Submission<T> submission(Operation operation, Start start) {
    auto request = std::make_shared<detail::Request>();
    request->start = [start, op = operation.get()](std::uint64_t tag) { return start(op, tag); };
    request->operation = std::move(operation);
    return {*events_, std::move(request)};
  }
  Submission<Lock> acquiring(std::string_view name, const Options &options) {
    return submission<Lock>(operation(name, options), redilock_op_submit_acquire);
  }
  Submission<void> releasing(Lock &lock) {
    return submission<void>(operation(), of(redilock_op_submit_release, lock));
  }
  Submission<void> extending(Lock &lock, const Options &options) {
    Operation op = operation();
    detail::set(op.get(), options);
    return submission<void>(std::move(op), of(redilock_op_submit_extend, lock));
  }
  Submission<void> breaking(std::string_view name) {
    return submission<void>(operation(name), redilock_op_submit_break);
  }
  Submission<Info> looking_up(std::string_view name) {
    return submission<Info>(operation(name), redilock_op_submit_info);
  }
  Submission<void> watching(Lock &lock) {
    auto watch = [held = lock.handle()](redilock_op_t *, std::uint64_t tag) {
      return redilock_lock_watch(held, tag);
    };
    auto made = submission<void>(Operation(), watch);
    made.request->success = REDILOCK_E_LOST;
    return made;
  }
  template <typename T, typename Done>
  static Ticket submit(Submission<T> submission, Done done) {
    const auto request = std::move(submission.request);
    request->done = [request = request.get(), done = std::move(done)](std::int32_t status) mutable {
      done(request->template outcome<T>(status));
    };
    const std::int32_t status = submission.events.submit(request);
    if (status != REDILOCK_OK) request->done(status);
    return Ticket(request);
  }

  std::unique_ptr<detail::Events> events_;
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_REQUESTS_HPP
