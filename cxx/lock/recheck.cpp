// Turns replies, pushes and failures into the time of the next re-check.
#include "lock/recheck.hpp"

#include <algorithm>

namespace redilock {

void RecheckTimes::on_reply(const Queued &queued, const Client &client, Instant now) {
  if (!joined_) {
    first_ = after(now, kFirst);
    // The server does not notify a head that has just joined. If all leases are as short as its
    // own, this re-check comes before the holder's lease ends, and learns when that is.
    if (early_span_ < kFirst) early_ = after(now, early_span_);
  }
  joined_ = true;
  if (first_ <= queued.sent) first_ = kNever;
  if (early_ <= queued.sent) early_ = kNever;

  if (push_ <= queued.sent) last_push_check_ = queued.sent;
  if (push_set_ <= queued.sent) push_ = kNever;
  if (extra_set_ <= queued.sent) extra_ = kNever;
  if (queued.ask_again) ask_at(after(now, kAfterLease), now);

  head_ = deputy_ = kNever;
  if (queued.rank == 0 && queued.holder_ttl)
    head_ = after(now, Micros(*queued.holder_ttl) + kAfterLease);
  if (queued.rank == 0 && queued.foreign) head_ = std::min(head_, after(now, client.interval));
  if (queued.rank >= 1 && queued.rank <= kDeputies && queued.holder_ttl)
    deputy_ = after(now, Micros(*queued.holder_ttl) + queued.rank * kPerDeputy);
  // All places of a client may have asked at one time, for instance after a new subscription. The
  // backstop spreads them again.
  const Micros span = backstop(client);
  const bool is_spread = client.polls || backstop_ <= queued.sent;
  backstop_ = after(now, is_spread ? span : part_of(span, queued.arrival));
}

// Between kMinBackstop and the whole, by the arrival.
Micros RecheckTimes::part_of(Micros span, int64_t arrival) noexcept {
  constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;  // spreads numbers that follow each other
  constexpr int kBits = 10;
  const auto part = static_cast<int64_t>(static_cast<uint64_t>(arrival) * kGolden >> (64 - kBits));
  return std::max(span * part / (int64_t{1} << kBits), kMinBackstop);
}

Micros RecheckTimes::backstop(const Client &client) noexcept {
  if (client.polls) return client.interval;
  return std::clamp(kPerPlace * static_cast<int64_t>(client.places), kMinBackstop, kMaxBackstop);
}

void RecheckTimes::on_next(Instant when, Instant now) { schedule_after_push(when, now); }

void RecheckTimes::on_doubtful_push(Instant now) { schedule_after_push(now, now); }

// A push may be forged, so it may only bring a re-check forward.
void RecheckTimes::schedule_after_push(Instant when, Instant now) {
  if (last_push_check_) when = std::max(when, after(*last_push_check_, kBetweenPushes));
  push_ = std::min(push_, when);
  push_set_ = now;
}

void RecheckTimes::ask_at(Instant when, Instant now) {
  extra_ = std::min(extra_, when);
  extra_set_ = now;
}

void RecheckTimes::on_failure(Instant when, Instant now) {
  if (push_ <= now) last_push_check_ = now;
  for (Instant *time : {&first_, &early_, &head_, &deputy_, &backstop_, &push_})
    if (*time <= now) *time = kNever;
  extra_ = when;
  extra_set_ = now;
}

// A time that passed while an earlier place of the client did the work is not due at once: the lock
// may change hands often.
void RecheckTimes::on_becoming_first(const Client &client, Instant now) {
  if (first_ <= now) first_ = after(now, kFirst);
  if (early_ <= now) early_ = kNever;
  if (deputy_ <= now) deputy_ = kNever;
  if (backstop_ <= now) backstop_ = client.polls ? now : after(now, backstop(client));
}

Instant RecheckTimes::due(bool is_first) const noexcept {
  const Instant always = std::min({extra_, head_, push_});
  return is_first ? std::min({always, first_, early_, deputy_, backstop_}) : always;
}

}  // namespace redilock
