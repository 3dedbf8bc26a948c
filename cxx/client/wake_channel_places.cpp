// The wake channel as the places in the queues see it: replies, pushes, losses, and the switch to
// polling.
#include <algorithm>
#include <new>

#include "client/wake_channel.hpp"
#include "values/name.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr size_t kMaxEnded = 256;  // tokens that are remembered after their end
// A subscription that broke a moment ago is unseen too, and the reader knows that by then.
constexpr Micros kSureUnseen{1000000};

}  // namespace

bool WakeChannel::has_places() {
  std::lock_guard lock(mutex_);
  return waits_.has_places();
}

void WakeChannel::answered(Wait &wait, const Queued &queued) {
  {
    std::lock_guard lock(mutex_);
    learn(queued.sent, queued.server_us);
    rouse_all(waits_.answered(wait, queued, clock_.now()));
    wait.queued_us = queued.server_us;
    if (wait.push && wait.is_over(*wait.push)) wait.push.reset();
    // A re-check does not look for the subscription.
    if (queued.joined) check_seen(queued.seen, queued.sent);
  }
  if (!queued.joined && start_beats_) start_beats_();
}

void WakeChannel::granted(Wait &wait) {
  std::lock_guard lock(mutex_);
  rouse_all(waits_.granted(wait, clock_.now()));
}

void WakeChannel::failed(Wait &wait, bool sent) {
  std::lock_guard lock(mutex_);
  if (sent) waits_.reply_missed();
  waits_.failed(wait, clock_.now());
}

void WakeChannel::beat_answered(const BeatReply &reply) {
  std::lock_guard lock(mutex_);
  learn(reply.sent, reply.server_us);
  rouse_all(waits_.beat_answered(reply.known, clock_.now()));
  check_seen(reply.seen, reply.sent);
}

void WakeChannel::beat_missed() {
  std::lock_guard lock(mutex_);
  waits_.reply_missed();
}

// A sample from before the subscription may belong to another server, with another clock.
void WakeChannel::learn(Instant sent, int64_t server_us) {
  if (subscribed_ && sent >= subscribed_at_) server_time_.learn(sent, server_us, clock_.now());
}

// If the server does not see the subscription, it may be at a former server: the client renews it.
// If that does not help, pub/sub does not reach the scripts here, for instance behind a proxy.
void WakeChannel::check_seen(bool seen, Instant sent) {
  if (polls_ || !subscribed_ || sent < subscribed_at_) return;
  if (seen) {
    verifying_ = false;
  } else if (verifying_) {
    if (!unseen_since_) unseen_since_ = sent;
    if (sent - *unseen_since_ >= kSureUnseen) poll_from_now();
  } else {
    unseen_ = true;
  }
  if (seen) return;
  // The reader renews the subscription, or ends it.
  if (reader_ != nullptr) notify(reader_);
  if (async_waits_ > 0) wake_service_();
}

void WakeChannel::poll_from_now() {
  polls_ = true;
  server_.telemetry().log.add(LogLevel::kWarning, [&] {
    return server_.address() +
           ": waiters poll from now on: the server's scripts do not see this client's "
           "subscription, perhaps because of a proxy";
  });
  rouse_all(waits_.poll_from(clock_.now()));
  for (Wait *other : subscribing_) notify(other);
}

Instant WakeChannel::due(const Wait &wait) {
  std::lock_guard lock(mutex_);
  return waits_.due(wait);
}

std::optional<PushedGrant> WakeChannel::take_push(Wait &wait) {
  std::lock_guard lock(mutex_);
  if (!wait.push) return std::nullopt;
  PushedGrant grant{wait.push->fence, server_time_.local(wait.push->server_us, clock_.now())};
  if (grant.anchor && *grant.anchor > wait.pushed_at) grant.anchor.reset();  // a clock was stepped
  wait.push.reset();
  return grant;
}

void WakeChannel::doubt(Wait &wait) {
  std::lock_guard lock(mutex_);
  wait.times.on_doubtful_push(clock_.now());
}

void WakeChannel::on_push(Push push) {
  auto *wait = static_cast<Wait *>(waits_.find(push.id));
  if (wait == nullptr) return on_ended_push(push);
  if (push.kind == Push::Kind::kNext) {
    on_next(*wait, push);
  } else if (wait->is_over(push)) {
    wait->times.on_doubtful_push(clock_.now());
  } else {
    wait->push = std::move(push);
    wait->pushed_at = clock_.now();
  }
  notify(wait);
}

// The time counts from the receipt, or from the server's time if the local estimate of that is
// earlier: the message may have been under way for long.
void WakeChannel::on_next(Wait &wait, const Push &push) {
  const Instant now = clock_.now();
  const Micros span = Micros(push.recheck_in) + RecheckTimes::kAfterLease;
  const Instant sent = server_time_.local(push.server_us, now).value_or(now);
  wait.times.on_next(std::min(after(now, span), after(sent, span)), now);
}

// A request that ran late on the server may have queued a token again after its end.
void WakeChannel::on_ended_push(const Push &push) {
  if (push.kind != Push::Kind::kGrant || !release_ended_) return;
  const auto is_it = [&](const Claim &claim) {
    return claim.token.compare(kReserved.size(), kTokenIdLength, push.id) == 0;
  };
  const auto found = std::find_if(ended_.begin(), ended_.end(), is_it);
  if (found != ended_.end()) release_ended_(*found);
}

void WakeChannel::remember_ended(const Claim &claim) noexcept {
  if (claim.channel.empty()) return;  // it never was in a queue
  try {
    std::lock_guard lock(mutex_);
    ended_.push_back(claim);
    if (ended_.size() > kMaxEnded) ended_.pop_front();
  } catch (const std::bad_alloc &) {
    return;  // its lease runs out by itself
  }
}

}  // namespace redilock
