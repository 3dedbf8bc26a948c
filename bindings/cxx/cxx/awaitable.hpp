// Coroutines of C++20: what co_await takes. Without C++20 this file is empty.
#ifndef REDILOCK_CXX_AWAITABLE_HPP
#define REDILOCK_CXX_AWAITABLE_HPP

#if __cplusplus >= 202002L && defined(__has_include)
#if __has_include(<coroutine>) && __has_include(<stop_token>)
#include <coroutine>
#include <stop_token>
#endif
#endif

#if defined(__cpp_lib_coroutine) && defined(__cpp_lib_jthread)
/// Defined where the asynchronous calls without a callback can be awaited.
#define REDILOCK_COROUTINES 1

#include <memory>
#include <optional>
#include <utility>

#include "events.hpp"

namespace redilock {
inline namespace v0 {

/// What an asynchronous call returns: co_await it once. The coroutine goes on in the thread that
/// calls Client::drain() or run(), or at once in its own where the request cannot be submitted.
///
/// A coroutine may be destroyed while it waits, by the thread that drains: the wait is given up.
/// @tparam T       what it gives
/// @tparam kThrows whether co_await throws Error, or else gives a Result<T>
template <typename T, bool kThrows>
class [[nodiscard]] Awaitable {
 public:
  explicit Awaitable(detail::Submission<T> submission, std::stop_token stop = {})
      : events_(submission.events),
        request_(std::move(submission.request)),
        stop_(std::move(stop)) {}
  Awaitable(const Awaitable &) = delete;
  Awaitable &operator=(const Awaitable &) = delete;
  ~Awaitable() {
    if (waits_) events_.pending()->take(request_->tag);
  }

  bool await_ready() const noexcept { return false; }

  bool await_suspend(std::coroutine_handle<> coroutine) {
    const auto request = request_;
    request->done = [this, coroutine](std::int32_t status) {
      end(status);
      coroutine.resume();
    };
    waits_ = true;
    // A cancel that comes before the submission ends the request that follows.
    on_stop_.emplace(stop_, Cancel{request.get()});
    const std::int32_t status = events_.submit(request);
    // Another thread may have resumed the coroutine, and this object may be gone.
    if (status == REDILOCK_OK) return true;
    end(status);
    return false;
  }

  auto await_resume() {
    if constexpr (kThrows) {
      return std::move(*outcome_).value();
    } else {
      return std::move(*outcome_);
    }
  }

 private:
  struct Cancel {
    detail::Request *request;
    void operator()() const noexcept { redilock_op_cancel(request->operation.get()); }
  };

  void end(std::int32_t status) {
    waits_ = false;
    on_stop_.reset();
    outcome_.emplace(request_->template outcome<T>(status));
  }

  detail::Events &events_;
  std::shared_ptr<detail::Request> request_;
  std::stop_token stop_;
  std::optional<Result<T>> outcome_;
  bool waits_ = false;
  std::optional<std::stop_callback<Cancel>> on_stop_;
};

}  // namespace v0
}  // namespace redilock

#endif  // coroutines

#endif  // REDILOCK_CXX_AWAITABLE_HPP
