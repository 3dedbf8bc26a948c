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
#include <vector>

#include "error.hpp"
#include "info.hpp"
#include "lock.hpp"
#include "operation.hpp"
#include "options.hpp"
#include "report.hpp"
#include "requests.hpp"

namespace redilock {
inline namespace v0 {

/// A connection to one server, shared by all threads of a process. It can be moved. After a fork,
/// the child makes a client of its own.
///
/// The destructor closes the client and waits until its calls have ended, at most 100 ms longer
/// than those take. It ends submitted requests with Status::closed, on its own thread: their
/// callbacks must not throw there. Locks may be destroyed later; those still held run out.
class Client : public Requests {
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

#ifdef REDILOCK_COROUTINES
  /// The same with a stop token of C++20, which ends the wait with Status::cancelled.
  Result<Lock> acquire(std::nothrow_t, std::stop_token stop, std::string_view name,
                       const Options &options = {}) {
    const auto op = operation(name, options);
    const std::stop_callback cancel(std::move(stop), [&op] { redilock_op_cancel(op.get()); });
    return lock_by(redilock_op_acquire, op);
  }
  Lock acquire(std::stop_token stop, std::string_view name, const Options &options = {}) {
    return acquire(std::nothrow, std::move(stop), name, options).value();
  }
#endif

  /// Acquires the lock if nobody holds it or waits for it, or within the option "wait"; else
  /// returns no lock. Other failures are thrown as by acquire().
  std::optional<Lock> try_acquire(std::string_view name, const Options &options = {}) {
    auto operation = this->operation(name);
    static_cast<void>(redilock_op_set_int(operation.get(), "wait", 0));
    detail::set(operation.get(), options);
    auto lock = lock_by(redilock_op_acquire, operation);
    if (lock.status() == Status::held || lock.status() == Status::timeout) return std::nullopt;
    return std::move(lock).value();
  }

  /// Makes a lock of what a token holds, and extends it by the option "ttl": a program takes over
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

  /// Takes a lock away from its holder and hands it to the next waiter. The former holder
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

  /// All numbers that the client counts, from its making on. Asks no server.
  Result<std::vector<Stat>> stats(std::nothrow_t) const {
    std::vector<Stat> all;
    for (std::size_t i = 0; i < redilock_stat_count(); ++i) {
      Stat stat{redilock_stat_name(i), redilock_stat_type(i), redilock_stat_doc(i), 0};
      const std::int32_t status = redilock_client_stat(handle(), stat.name, &stat.value);
      if (status != REDILOCK_OK) return detail::failure(status);
      all.push_back(stat);
    }
    return all;
  }
  std::vector<Stat> stats() const { return stats(std::nothrow).value(); }

  /// Takes the oldest line of the log, or none. There is a log if the option "log" says how many
  /// lines it keeps. Asks no server.
  Result<std::optional<LogLine>> next_log_line(std::nothrow_t) {
    std::int32_t level = 0;
    std::int64_t time_ms = 0;
    char text[REDILOCK_LOG_LINE_MAX + 1];
    const std::int32_t status = redilock_client_log(handle(), &level, &time_ms, text, sizeof text);
    if (status != REDILOCK_OK) return detail::failure(status);
    if (level == 0) return std::optional<LogLine>();
    const std::chrono::system_clock::time_point time{std::chrono::milliseconds(time_ms)};
    return std::optional<LogLine>(LogLine{static_cast<LogLevel>(level), time, text});
  }
  std::optional<LogLine> next_log_line() { return next_log_line(std::nothrow).value(); }

  /// Ends all calls on the client, its locks and names with Status::closed; held locks run out.
  /// Each submitted request still gets its completion. Never blocks.
  void close() noexcept { redilock_client_close(handle()); }

 private:
  using Operation = detail::Operation;

  explicit Client(redilock_client_t *handle) : Requests(handle) {}
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

  static Result<void> ended(const Operation &operation, std::int32_t status) {
    if (status == REDILOCK_OK) return {};
    return operation.failure(status);
  }

  template <typename Call>
  static Result<Lock> lock_by(Call call, const Operation &operation) {
    redilock_lock_t *lock = nullptr;
    const auto done = ended(operation, call(operation.get(), &lock));
    if (!done) return done.error();
    return Lock(lock);
  }
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_CLIENT_HPP
