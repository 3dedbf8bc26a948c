#include "lock/lease.hpp"

#include <algorithm>
#include <new>

#include "lock/validity.hpp"
#include "values/finally.hpp"
#include "values/text.hpp"

namespace redilock {

namespace {

// A thread that comes later than this has not run: a busy machine delays it by less.
constexpr Micros kLate{1000000};

}  // namespace

Lease::Lease(std::string name, Claim claim, int64_t fence, Instant end, Instant renew_until,
             Millis max_hold, Telemetry *telemetry)
    : name_(std::move(name)),
      claim_(std::move(claim)),
      fence_(fence),
      renew_until_(renew_until),
      max_hold_(max_hold),
      telemetry_(telemetry),
      end_(end),
      ttl_(claim_.ttl) {
  if (telemetry_ != nullptr) telemetry_->statistics.add(Stat::kHeldNow);
}

Lease::~Lease() {
  if (telemetry_ != nullptr && !counted_) telemetry_->statistics.add(Stat::kHeldNow, -1);
}

void Lease::count(Stat stat) noexcept {
  if (telemetry_ == nullptr) return;
  telemetry_->statistics.add(stat);
  loss_noted_.store(true);
}

// Once, without the mutex: the log may signal that there are lines.
void Lease::log_loss() noexcept {
  if (!loss_noted_ || loss_logged_.exchange(true)) return;
  telemetry_->log.add(LogLevel::kError, [&] {
    std::lock_guard lock(mutex_);
    return "lock \"" + shown(name_) + "\": " + loss_known();
  });
}

void Lease::count_end(Instant at) noexcept {
  if (telemetry_ == nullptr || counted_.exchange(true)) return;
  const Instant granted = renew_until_ - max_hold_;
  telemetry_->statistics.add(Stat::kHeldNow, -1);
  telemetry_->statistics.add(Stat::kHeld, (at - granted).count());
}

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
  Finally logged([&] { log_loss(); });
  std::lock_guard lock(mutex_);
  if (state_ != State::kHeld) return;
  if (now >= end_) return note_end(now);  // a caller may know already that it is lost
  failed_to_ = nullptr;
  const Instant end = lease_end(anchor, ttl);
  if (end < end_) return;
  end_ = end;
  ttl_ = ttl;
}

void Lease::lost(Instant now) noexcept {
  Finally logged([&] { log_loss(); });
  std::lock_guard lock(mutex_);
  if (state_ != State::kHeld) return;
  if (now >= end_) return note_end(now);
  state_ = State::kLost;
  taken_ = true;
  count(Stat::kLostTaken);
  count_end(now);
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

void Lease::taken_by(const std::string &holding) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (!taken_) return;
    try {
      loss_ = holding.empty() ? "free" : holding;
    } catch (const std::bad_alloc &) {
      loss_.clear();
    }
  }
  if (telemetry_ == nullptr) return;
  telemetry_->log.add(LogLevel::kInfo, [&] {
    return "lock \"" + shown(name_) + "\": now " + (holding.empty() ? "free" : holding);
  });
}

void Lease::failed(const char *verb, const Error &cause) noexcept {
  std::lock_guard lock(mutex_);
  try {
    cause_ = cause.message();
    failed_to_ = verb;
  } catch (const std::bad_alloc &) {
    failed_to_ = nullptr;
  }
}

void Lease::looked_at(Instant now) noexcept {
  Finally logged([&] { log_loss(); });
  std::lock_guard lock(mutex_);
  note_end(now);
}

void Lease::looks_at(Instant when) noexcept {
  std::lock_guard lock(mutex_);
  looks_at_ = when;
}

// Of a lease that nobody released: that it has ended by the local clock, and why.
void Lease::note_end(Instant now) noexcept {
  if (state_ != State::kHeld || releasing_ || now < end_) return;
  state_ = State::kLost;
  const Stat cause = cause_of_end(now);
  count(cause);
  count_end(end_);
  try {
    loss_ = why_ended(cause, now);
  } catch (const std::bad_alloc &) {
    loss_.clear();
  }
  ended();
}

Stat Lease::cause_of_end(Instant now) const noexcept {
  if (looks_at_ == kNever) return Stat::kLostExpired;
  if (looks_at_ < end_ && now - looks_at_ > kLate) return Stat::kLostStopped;
  // The last renewal lasts until then, but for the drift and the time that its request took.
  const Micros most = drift(claim_.ttl) + Micros(claim_.ttl) / 10;
  return after(end_, most) >= renew_until_ ? Stat::kLostMaxHold : Stat::kLostNotRenewed;
}

std::string Lease::why_ended(Stat cause, Instant now) const {
  const std::string ttl = format_duration(ttl_);
  switch (cause) {
    case Stat::kLostExpired:
      return "its lease of " + ttl + " has ended";
    case Stat::kLostStopped:
      return "this process was stopped or suspended for " + format_about(now - looks_at_) +
             " or longer";
    case Stat::kLostMaxHold:
      return "max_hold of " + format_duration(max_hold_) + " is over";
    default:
      return "not renewed for " + ttl + (failed_to_ == nullptr ? "" : ": " + cause_);
  }
}

std::string Lease::loss_known() const {
  if (taken_ && loss_.empty()) return "lost: taken away or expired";
  if (taken_) return "lost: taken away: now " + loss_;
  return loss_.empty() ? "" : "lost: " + loss_;
}

std::string Lease::loss(Instant now) {
  Finally logged([&] { log_loss(); });
  std::lock_guard lock(mutex_);
  note_end(now);
  return loss_known();
}

std::string Lease::message(Instant now) {
  Finally logged([&] { log_loss(); });
  std::lock_guard lock(mutex_);
  note_end(now);
  std::string loss = loss_known();
  if (!loss.empty() || failed_to_ == nullptr) return loss;
  return std::string("cannot ") + failed_to_ + ": " + cause_;
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
  failed_to_ = nullptr;
  state_ = State::kReleased;
  ended();
}

void Lease::released_late(Instant now) noexcept {
  Finally logged([&] { log_loss(); });
  {
    std::lock_guard lock(mutex_);
    releasing_ = false;
    note_end(now);
    if (state_ == State::kHeld) {
      count(Stat::kLostTaken);
      count_end(now);
    }
    if (loss_.empty()) taken_ = true;
  }
  released();
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
