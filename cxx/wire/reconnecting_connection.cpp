#include "wire/reconnecting_connection.hpp"

#include <unistd.h>

#include <algorithm>

namespace redilock {

namespace {

constexpr Micros kConnectTime{1000000};

}  // namespace

bool ReconnectingConnection::open() {
  if (is_up()) return true;
  if (!opening_ && server_.clock().now() < resume_at_) return false;
  // A fork finds no socket that a step has ended, and any other.
  if (opening_ && opening_->is_dialing()) descriptor_.store(-1);
  try {
    step();
  } catch (...) {
    descriptor_.store(-1);
    opening_.reset();
    throw;
  }
  if (is_up()) opening_.reset();
  descriptor_.store(is_up() ? connection_->fd() : opening_->socket());
  return is_up();
}

void ReconnectingConnection::step() {
  if (!opening_) {
    if (channel_.empty()) connection_ = server_.idle_connection(Micros(0));
    if (is_up()) return;
    const Micros patience = std::min<Micros>(server_.timeout(), kConnectTime);
    opening_.emplace(server_, channel_, after(server_.clock().now(), patience));
  }
  connection_ = opening_->step();
}

pollfd ReconnectingConnection::wanted() const noexcept {
  if (opening_) return opening_->wanted();
  return {is_up() ? connection_->fd() : -1, POLLIN, 0};
}

Instant ReconnectingConnection::next_step() const noexcept {
  if (is_up()) return kNever;
  return opening_ ? opening_->next_step() : resume_at_;
}

std::unique_ptr<Connection> ReconnectingConnection::close() noexcept {
  descriptor_.store(-1);
  opening_.reset();
  return std::move(connection_);
}

void ReconnectingConnection::resume() noexcept {
  backoff_.reset();
  resume_at_ = Instant();
}

void ReconnectingConnection::close_descriptors() noexcept {
  const int descriptor = descriptor_.exchange(-1);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace redilock
