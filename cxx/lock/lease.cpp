#include "lock/lease.hpp"

#include <algorithm>

#include "lock/validity.hpp"

namespace redilock {

Lease::Lease(std::string name, Claim claim, int64_t fence, Instant end, Instant renew_until)
    : name_(std::move(name)),
      claim_(std::move(claim)),
      fence_(fence),
      renew_until_(renew_until),
      end_(end) {}

Micros Lease::remaining(Instant now) const noexcept {
  std::lock_guard lock(mutex_);
  if (state_ != State::kHeld || releasing_ || now >= end_) return Micros(0);
  return end_ - now;
}

Instant Lease::end() const noexcept {
  std::lock_guard lock(mutex_);
  return end_;
}

Lease::State Lease::state(Instant now) const noexcept {
  std::lock_guard lock(mutex_);
  return state_ == State::kHeld && now >= end_ ? State::kLost : state_;
}

void Lease::extended(Instant anchor, Millis ttl, Instant now) noexcept {
  std::lock_guard lock(mutex_);
  if (state_ != State::kHeld) return;
  if (now >= end_) {
    state_ = State::kLost;  // it was reported lost meanwhile
    ended();
    return;
  }
  end_ = std::max(end_, lease_end(anchor, ttl));
}

void Lease::lost() noexcept {
  std::lock_guard lock(mutex_);
  if (state_ != State::kHeld) return;
  state_ = State::kLost;
  ended();
}

void Lease::ended() noexcept {
  for (LeaseListener *listener = listeners_; listener != nullptr; listener = listener->next_)
    listener->lease_ended();
}

void Lease::add(LeaseListener &listener) noexcept {
  std::lock_guard lock(mutex_);
  listener.next_ = listeners_;
  listeners_ = &listener;
}

void Lease::remove(LeaseListener &listener) noexcept {
  std::lock_guard lock(mutex_);
  LeaseListener **at = &listeners_;
  while (*at != nullptr && *at != &listener) at = &(*at)->next_;
  if (*at != nullptr) *at = listener.next_;
}

bool Lease::release_begun() const noexcept {
  std::lock_guard lock(mutex_);
  return release_begun_;
}

bool Lease::is_lost(Instant now) const noexcept {
  std::lock_guard lock(mutex_);
  return !release_begun_ && (state_ == State::kLost || (state_ == State::kHeld && now >= end_));
}

bool Lease::begin_release() noexcept {
  std::lock_guard lock(mutex_);
  if (state_ == State::kReleased || releasing_) return false;
  releasing_ = release_begun_ = true;
  return true;
}

void Lease::release_failed(bool ambiguous) noexcept {
  std::lock_guard lock(mutex_);
  releasing_ = false;
  ambiguous_ = ambiguous_ || ambiguous;
  if (ambiguous && state_ == State::kHeld) state_ = State::kLost;
  ended();
}

void Lease::released() noexcept {
  std::lock_guard lock(mutex_);
  releasing_ = false;
  state_ = State::kReleased;
  ended();
}

bool Lease::release_was_ambiguous() const noexcept {
  std::lock_guard lock(mutex_);
  return ambiguous_;
}

Millis Lease::renewal_ttl(Instant now) const noexcept {
  std::lock_guard lock(mutex_);
  const bool over = let_go_.load() || release_begun_ || state_ != State::kHeld || now >= end_;
  if (over || now >= renew_until_) return Millis(0);
  const auto left = std::chrono::duration_cast<Millis>(renew_until_ - now) + Millis(1);
  return std::min(claim_.ttl, left);
}

}  // namespace redilock
