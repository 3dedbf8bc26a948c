// Submitted requests, and the completions that end them.
#ifndef REDILOCK_CXX_EVENTS_HPP
#define REDILOCK_CXX_EVENTS_HPP

#include <redilock/redilock.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "error.hpp"
#include "operation.hpp"

namespace redilock {
inline namespace v0 {
namespace detail {

struct Request {
  Operation operation;  // without a handle for a loss
  std::function<std::int32_t(std::uint64_t tag)> start;
  std::function<void(std::int32_t status)> done;
  std::int32_t success = REDILOCK_OK;
  std::uint64_t tag = 0;

  template <typename T>
  Result<T> outcome(std::int32_t status) {
    if (status == success) return taken<T>(operation.get());
    return operation.failure(status);
  }
};

// The requests under way, by their tags.
class Pending {
 public:
  void add(const std::shared_ptr<Request> &request) {
    const std::lock_guard<std::mutex> guard(mutex_);
    request->tag = ++last_tag_;
    requests_.emplace(request->tag, request);
  }
  std::shared_ptr<Request> take(std::uint64_t tag) {
    const std::lock_guard<std::mutex> guard(mutex_);
    auto node = requests_.extract(tag);
    return node.empty() ? nullptr : std::move(node.mapped());
  }
  std::shared_ptr<Request> take_any() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (requests_.empty()) return nullptr;
    return std::move(requests_.extract(requests_.begin()).mapped());
  }
  bool empty() const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return requests_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t last_tag_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Request>> requests_;
};

// The handle of a client, and what was submitted on it.
class Events {
 public:
  explicit Events(redilock_client_t *client) : client_(client) {}
  Events(const Events &) = delete;
  Events &operator=(const Events &) = delete;

  // Closes the client and drains until each request has ended: a coroutine that nobody resumes
  // would never be freed.
  void end() {
    redilock_client_close(client_.get());
    while (!pending_->empty() && redilock_client_wait(client_.get(), -1) != REDILOCK_E_FORKED) {
      drain(SIZE_MAX);
    }
  }

  redilock_client_t *client() const noexcept { return client_.get(); }
  const std::shared_ptr<Pending> &pending() const noexcept { return pending_; }

  // Unless it returns REDILOCK_OK, nothing was submitted. Another thread may have run `done` before
  // this returns.
  std::int32_t submit(const std::shared_ptr<Request> &request) {
    const std::shared_ptr<Request> kept = request;
    pending_->add(kept);
    const std::int32_t status = kept->start(kept->tag);
    if (status != REDILOCK_OK) pending_->take(kept->tag);
    return status;
  }

  void set_on_log(std::function<void()> callback) { on_log_ = std::move(callback); }

  std::size_t drain(std::size_t limit) {
    for (std::size_t count = 0; count < limit; ++count) {
      std::uint64_t tag = 0;
      std::int32_t kind = 0;
      std::int32_t status = 0;
      const std::int32_t result = redilock_client_next(client_.get(), &tag, &kind, &status);
      if (result == REDILOCK_E_CLOSED) return count + end_all(result);
      if (result != REDILOCK_OK || kind == 0) return count;
      if (kind == REDILOCK_COMPLETION_LOG && on_log_) {
        on_log_();
      } else if (const auto request = pending_->take(tag)) {
        request->done(status);
      }
    }
    return limit;
  }

 private:
  // What gets no completion once the client is closed: losses.
  std::size_t end_all(std::int32_t status) {
    std::size_t count = 0;
    for (; const auto request = pending_->take_any(); ++count) request->done(status);
    return count;
  }

  Handle<redilock_client_t, redilock_free> client_;
  std::function<void()> on_log_;
  std::shared_ptr<Pending> pending_ = std::make_shared<Pending>();
};

// A request that is to be submitted, and will give a T.
template <typename T>
struct Submission {
  Events &events;
  std::shared_ptr<Request> request;
};

}  // namespace detail

/// A request that was submitted with a callback: the way to cancel it. It can be copied, and need
/// not be kept.
class Ticket {
 public:
  Ticket() = default;
  explicit Ticket(std::weak_ptr<detail::Request> request) : request_(std::move(request)) {}

  /// Ends the wait of an acquire with Status::cancelled, unless it has ended otherwise: what the
  /// callback is given counts. Changes no release, extension or break. Never blocks.
  void cancel() const {
    if (const auto request = request_.lock()) redilock_op_cancel(request->operation.get());
  }

 private:
  std::weak_ptr<detail::Request> request_;
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_EVENTS_HPP
