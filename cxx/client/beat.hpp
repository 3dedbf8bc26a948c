// The client's sign of life: while a waiter of this client is in a queue, the service thread renews
// the client's liveness record, one request for all queues together.
#pragma once

#include <atomic>
#include <optional>

#include "client/context.hpp"

namespace redilock {

class Beat {
 public:
  static constexpr Micros kPeriod{2000000};

  explicit Beat(ClientContext &context) : context_(context) {}

  // Any thread. Beats at once and then every kPeriod, until no waiter is in a queue. Does nothing
  // if beats are running, or if the thread cannot be started: then re-checks renew the record.
  void start() noexcept;

 private:
  std::optional<Instant> run();
  void send();

  ClientContext &context_;
  std::atomic<bool> running_{false};
  // For the service thread alone.
  bool unanswered_ = false;
  Instant next_{};
};

}  // namespace redilock
