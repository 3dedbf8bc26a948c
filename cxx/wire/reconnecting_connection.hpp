// The connection of something that is polled: made step by step, and made anew after a pause, so
// that the thread that polls never waits for it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "wire/backoff.hpp"
#include "wire/handshake.hpp"
#include "wire/server.hpp"

namespace redilock {

class ReconnectingConnection {
 public:
  // `channel`: what to subscribe to. Without one an idle connection of the pool will do.
  explicit ReconnectingConnection(Server &server, std::string channel = {})
      : server_(server), channel_(std::move(channel)) {}

  Connection &operator*() const noexcept { return *connection_; }
  Connection *operator->() const noexcept { return connection_.get(); }
  bool is_up() const noexcept { return connection_ != nullptr; }
  bool is_opening() const noexcept { return opening_.has_value(); }

  // Whether it should be up by now, if somebody had taken the steps.
  bool is_late() const noexcept {
    return opening_ && server_.clock().now() >= opening_->deadline();
  }

  // Where it is not up: a step towards that, unless there is a pause. Says whether it is up now.
  // Throws Error and std::bad_alloc for an attempt that failed.
  bool open();
  // What to poll for before open() or for what comes; a descriptor of -1 for nothing.
  pollfd wanted() const noexcept;
  // When to open() at the latest; kNever once it is up.
  Instant next_step() const noexcept;

  // Not up any more.
  std::unique_ptr<Connection> close() noexcept;
  // The pause before the next attempt, which grows, is over at once, or is short again.
  void back_off() noexcept { resume_at_ = after(server_.clock().now(), backoff_.next()); }
  void resume() noexcept;
  Instant resume_at() const noexcept { return resume_at_; }
  void calm() noexcept { backoff_.reset(); }
  Micros last_backoff() const noexcept { return backoff_.last(); }

  // In the child of a fork.
  void close_descriptors() noexcept;

 private:
  void step();

  Server &server_;
  const std::string channel_;
  std::optional<Handshake> opening_;
  std::unique_ptr<Connection> connection_;
  std::atomic<int> descriptor_{-1};  // the connection's, or of what is to become it
  Backoff backoff_;
  Instant resume_at_{};
};

}  // namespace redilock
