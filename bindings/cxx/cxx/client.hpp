// A client of one server, and all calls that go by a lock's name.
#ifndef REDILOCK_CXX_CLIENT_HPP
#define REDILOCK_CXX_CLIENT_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
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

/// A connection to one server, shared by all threads of a process. It can be moved. After a fork,
/// the child makes a client of its own.
///
/// The destructor closes the client and waits until its calls have ended, at most 100 ms longer than
/// those take. It ends submitted requests with Status::closed, on its own thread. Locks may be
/// destroyed later; those still held run out.
class Client {
 public:
  /// A client of the server that the environment's REDILOCK_URL names, or else of 127.0.0.1:6379.
  /// Like the other constructors it does no I/O; it throws InvalidError for a wrong url or option.
  Client() : Client(make(std::nothrow)) {}
  /// "redis://[user[:password]@]host[:port][/db][?option=value&...]" or "unix:///path?db=N".
  explicit Client(const std::string &url, const Options &options = {})
      : Client(make(std::nothrow, url, options)) {}
  explicit Client(const Options &options) : Client(make(std::nothrow, options)) {}

  static Result<Client> make(std::nothrow_t, const Options &options = {}) {
    return made(nullptr, options);
  }
  static Result<Client> make(std::nothrow_t, const std::string &url, const Options &options = {}) {
    // C would cut it there, and the rest may hold the password.
    if (url.find('\0') != std::string::npos) {
      return detail::failure(REDILOCK_E_INVALID, "the url contains a NUL");
    }
    return made(url.c_str(), options);
  }

  /// Acquires the lock of a name: 1 to REDILOCK_NAME_MAX bytes, any bytes.
  ///
  /// Blocks until the lock is granted or the wait ends; waiters are granted in the order in which
  /// they arrived at the server. Options: "ttl", "wait", "renew", "max_hold", "label" and more.
  /// Fails with Status::held if the option "wait" is 0 and somebody holds the lock or waits for it,
  /// Status::timeout, lost, unknown (it may stand on the server for up to its ttl), unavailable,
  /// auth, server, protocol, invalid, forked and closed.
  Result<Lock> acquire(std::nothrow_t, std::string_view name, const Options &options = {}) {
    return lock_by(redilock_op_acquire, operation(name, options));
  }
  Lock acquire(std::string_view name, const Options &options = {}) {
    return acquire(std::nothrow, name, options).value();
  }

  /// Acquires the lock if nobody holds it or waits for it, or within the option "wait"; else returns
  /// no lock. Other failures are thrown as by acquire().
  std::optional<Lock> try_acquire(std::string_view name, const Options &options = {}) {
    auto operation = this->operation(name);
    static_cast<void>(redilock_op_set_int(operation.get(), "wait", 0));
    detail::set(operation.get(), options);
    auto lock = lock_by(redilock_op_acquire, std::move(operation));
    if (lock.status() == Status::held || lock.status() == Status::timeout) return std::nullopt;
    return std::move(lock).value();
  }

  /// Makes a lock of what a token holds, and extends it by the option "ttl": so a program takes over
  /// the lock that another process detached. Its fence is 0: pass it along with the token.
  /// Fails with Status::not_owner if the token does not hold the lock.
  Result<Lock> attach(std::nothrow_t, std::string_view name, std::string_view token,
                      const Options &options = {}) {
    return lock_by(redilock_op_attach, operation(name, token, options));
  }
  Lock attach(std::string_view name, std::string_view token, const Options &options = {}) {
    return attach(std::nothrow, name, token, options).value();
  }

  /// Releases the lock that a token holds, from any process. Blocks for at most the client's
  /// `timeout`. Fails with Status::not_owner if the token does not hold the lock.
  Result<void> release(std::nothrow_t, std::string_view name, std::string_view token,
                       const Options &options = {}) {
    const auto op = operation(name, token, options);
    return ended(op, redilock_op_release(op.get(), nullptr));
  }
  void release(std::string_view name, std::string_view token, const Options &options = {}) {
    release(std::nothrow, name, token, options).value();
  }

  /// Extends the lock that a token holds by the option "ttl", as release() releases it.
  Result<void> extend(std::nothrow_t, std::string_view name, std::string_view token,
                      const Options &options = {}) {
    const auto op = operation(name, token, options);
    return ended(op, redilock_op_extend(op.get(), nullptr));
  }
  void extend(std::string_view name, std::string_view token, const Options &options = {}) {
    extend(std::nothrow, name, token, options).value();
  }

  /// Takes a lock away from whoever holds it and hands it to the next waiter. The former holder
  /// learns it by its next extension or renewal at the latest. False if nobody held it.
  Result<bool> break_lock(std::nothrow_t, std::string_view name, const Options &options = {}) {
    const auto op = operation(name, options);
    const auto done = ended(op, redilock_op_break(op.get()));
    if (!done && done.status() != Status::not_owner) return done.error();
    return done.has_value();
  }
  bool break_lock(std::string_view name, const Options &options = {}) {
    return break_lock(std::nothrow, name, options).value();
  }

  /// Looks a lock up. Changes nothing.
  Result<Info> info(std::nothrow_t, std::string_view name, const Options &options = {}) {
    const auto op = operation(name, options);
    redilock_info_t *info = nullptr;
    const auto done = ended(op, redilock_op_info(op.get(), &info));
    if (!done) return done.error();
    return Info(info);
  }
  Info info(std::string_view name, const Options &options = {}) {
    return info(std::nothrow, name, options).value();
  }

  /// The lock names on the server that are held by redilock or waited for, and that match a
  /// glob-style pattern such as "job:*".
  Result<Names> names(std::nothrow_t, std::string_view pattern = "*") {
    redilock_list_t *list = nullptr;
    const std::int32_t status = redilock_list_new(handle(), pattern.data(), pattern.size(), &list);
    if (status != REDILOCK_OK) return detail::failure(status);
    return Names(list);
  }
  Names names(std::string_view pattern = "*") { return names(std::nothrow, pattern).value(); }

  /// Checks that the server can be used, and that the permissions suffice for this name; changes
  /// nothing. Returns the server's address and version. Fails as redilock_op_check does.
  Result<std::string> check(std::nothrow_t, std::string_view name = "redilock-check",
                            const Options &options = {}) {
    const auto op = operation(name, options);
    const auto done = ended(op, redilock_op_check(op.get()));
    if (!done) return done.error();
    return op.failure(REDILOCK_OK).message;
  }
  std::string check(std::string_view name = "redilock-check", const Options &options = {}) {
    return check(std::nothrow, name, options).value();
  }

  /// Ends all calls on the client, its locks and names with Status::closed; held locks run out.
  /// Each submitted request still gets its completion. Never blocks.
  void close() noexcept { redilock_client_close(handle()); }

  // ---- Requests without a thread: submit any number, and call drain() or run() in one thread.

  /// A descriptor that is readable while completions wait, for poll and every event loop. It belongs
  /// to the client: take it out of the loop before the client is destroyed.
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

  /// Each of these submits a request and calls `done` with a Result once it has ended: in drain() or
  /// run(), or at once where it cannot be submitted. What one thread submits for a name queues in
  /// that order. Renewal begins when the callback is given the lock.
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

 private:
  using Operation = detail::Operation;
  template <typename T>
  using Submission = detail::Submission<T>;

  explicit Client(redilock_client_t *handle) : events_(std::make_unique<detail::Events>(handle)) {}
  explicit Client(Result<Client> made) : Client(std::move(made).value()) {}

  static Result<Client> made(const char *url, const Options &options) {
    redilock_options_t *set = nullptr;
    std::int32_t status = redilock_options_new(&set);
    if (status != REDILOCK_OK) return detail::failure(status);
    const detail::Handle<redilock_options_t, redilock_options_free> owner(set);
    // A failed set makes redilock_new fail, with the same message.
    for (const Option &option : options) {
      option.visit(
          [&](const char *name, const char *value, std::size_t size) {
            static_cast<void>(redilock_options_set_bytes(set, name, value, size, nullptr, 0));
          },
          [&](const char *name, std::int64_t value) {
            static_cast<void>(redilock_options_set_int(set, name, value, nullptr, 0));
          });
    }
    redilock_client_t *client = nullptr;
    char error[512];
    status = redilock_new(url, set, &client, error, sizeof error);
    if (status != REDILOCK_OK) return detail::failure(status, error);
    return Client(client);
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

  static Result<void> ended(const Operation &operation, std::int32_t status) {
    if (status == REDILOCK_OK) return {};
    return operation.failure(status);
  }

  template <typename Call>
  static Result<Lock> lock_by(Call call, Operation operation) {
    redilock_lock_t *lock = nullptr;
    const auto done = ended(operation, call(operation.get(), &lock));
    if (!done) return done.error();
    return Lock(lock);
  }

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

#endif  // REDILOCK_CXX_CLIENT_HPP
