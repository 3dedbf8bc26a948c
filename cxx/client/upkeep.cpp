#include "client/upkeep.hpp"

#include <algorithm>
#include <utility>

#include "client/asking.hpp"
#include "client/failure.hpp"
#include "lock/acquiring.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "lock/validity.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr Micros kUndoPause{250000};
constexpr Micros kShortestRetry{10000};
constexpr Micros kLongestRetry{1000000};

}  // namespace

std::shared_ptr<Lease> Upkeep::lease(const RequestOptions &request, const Claim &claim,
                                     const Granted &granted) {
  return std::make_shared<Lease>(
      request.name, claim, granted.fence, lease_end(granted.anchor, claim.ttl),
      after(granted.anchor, request.max_hold), request.max_hold, &parts_.telemetry);
}

// One lease that is kept up. What an answer leads to takes no memory.
struct Upkeep::Renewal {
  std::shared_ptr<Lease> lease;
  Instant next;
  bool asking = false;
  bool failed = false;  // the last one, which the log says once
};

// The first time a third of the ttl after the grant, or at once if its caller took it later.
void Upkeep::keep(const std::shared_ptr<Lease> &lease, const RequestOptions &request) {
  if (!request.renew) return;
  const Instant third = after(lease->end(), -2 * Micros(lease->claim().ttl) / 3);
  const Instant first = std::max(parts_.now(), third);
  auto renewal = std::make_shared<Renewal>(Renewal{lease, first});
  lease->looks_at(first);
  lease->renewal_task = parts_.service.at(first, [this, renewal] { return renew_once(renewal); });
}

// Extends a lease at a third of its ttl. What fails is tried again until the local deadline tells
// the loss.
std::optional<Instant> Upkeep::renew_once(const std::shared_ptr<Renewal> &renewal) {
  Lease &lease = *renewal->lease;
  const Claim &claim = lease.claim();
  const Instant now = parts_.now();
  if (parts_.running.is_closed()) return std::nullopt;
  lease.looked_at(now);
  const bool due = now >= renewal->next;
  const Millis ttl = lease.renewal_ttl(now);
  if (due && ttl == Millis(0)) {
    lease.looks_at(lease.end());  // for nothing more: nobody need come
    return std::nullopt;
  }
  if (due)
    renewal->next = after(now, std::clamp(Micros(claim.ttl) / 10, kShortestRetry, kLongestRetry));
  lease.looks_at(renewal->next);
  if (!due) return renewal->next;
  if (renewal->asking) {  // for a whole pause: the caller may ask what is wrong
    lease.failed("renew", parts_.server.named(parts_.pipeline.trouble()));
    return renewal->next;
  }
  const auto extension = std::make_shared<Extending>(claim, ttl);
  const Instant end = std::min(parts_.request_deadline(), lease.end());
  ask(parts_, extension, end, [this, renewal, extension] {
    renewal->asking = false;
    renewed(*renewal, *extension);
  });
  renewal->asking = true;
  return renewal->next;
}

void Upkeep::renewed(Renewal &renewal, const Extending &extension) {
  if (extension.failure()) return renewal_failed(renewal, *extension.failure());
  if (!extended(*renewal.lease, extension)) return;
  renewal.next = after(*extension.anchor(), Micros(extension.ttl()) / 3);
  renewal.failed = false;
  parts_.telemetry.statistics.add(Stat::kRenewed);
}

// Whether the token held the lock.
bool Upkeep::extended(Lease &lease, const Extending &extension) noexcept {
  if (extension.anchor())
    lease.extended(*extension.anchor(), extension.ttl(), parts_.now());
  else
    lost(lease);
  return extension.anchor().has_value();
}

std::optional<Error> Upkeep::why_ended(Lease &lease) const {
  const Instant now = parts_.now();
  const Lease::State state = lease.state(now);
  if (state == Lease::State::kHeld) return std::nullopt;
  return state == Lease::State::kReleased ? released_before() : redilock::lost(lease, now);
}

Error Upkeep::end_extension(Lease &lease, const Extending &extension) {
  if (const auto &failure = extension.failure()) {
    lease.failed("extend", parts_.server.named(*failure));
    const bool is_lost = lease.state(parts_.now()) == Lease::State::kLost;
    return is_lost ? redilock::lost(lease, parts_.now()) : outcome_of(*failure);
  }
  extended(lease, extension);
  const bool is_held = lease.state(parts_.now()) == Lease::State::kHeld;
  return is_held ? done() : redilock::lost(lease, parts_.now());
}

void Upkeep::renewal_failed(Renewal &renewal, const Error &error) noexcept {
  parts_.telemetry.statistics.add(Stat::kRenewalsFailed);
  renewal.lease->failed("renew", parts_.server.named(error));
  if (std::exchange(renewal.failed, true)) return;
  parts_.telemetry.log.add(LogLevel::kWarning, [&] {
    return on_lock(renewal.lease->name(), cannot("renew", parts_.server, error)).message();
  });
}

// The server says that it is not held. Who holds it now is asked for once, for the message.
void Upkeep::lost(Lease &lease) noexcept {
  lease.lost(parts_.now());
  const auto shared = lease.weak_from_this().lock();
  if (!shared || lease.is_let_go()) return;
  try {
    parts_.service.at(parts_.now(), [this, shared]() -> std::optional<Instant> {
      if (!parts_.running.is_closed()) ask_for_holder(shared);
      return std::nullopt;
    });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the message does without
  }
}

void Upkeep::ask_for_holder(const std::shared_ptr<Lease> &lease) {
  auto done = [lease](const Answer *answer, const Unanswered *) {
    try {
      if (answer != nullptr) lease->taken_by(read_holding(*answer));
    } catch (const std::exception &) {
      return;  // not understood, or no memory: the message does without
    }
  };
  requests::info(lease->claim().keys, parts_.asking(parts_.request_deadline(), std::move(done)));
}

// Looks at a lease when it would end, and at once when it is found lost or released.
class Upkeep::Watch final : public LeaseListener {
 public:
  Watch(Parts &parts, const std::shared_ptr<Lease> &lease, OnEnd on_end)
      : parts_(parts), lease_(lease), on_end_(std::move(on_end)) {
    lease->add(*this);
  }
  ~Watch() override { lease_->remove(*this); }

  void lease_ended() noexcept override { parts_.service.hurry(task); }

  std::optional<Instant> look() {
    if (lease_->is_let_go() || parts_.running.is_closed()) return std::nullopt;
    const bool lost = lease_->is_lost(parts_.now());
    if (!lost && !lease_->release_begun()) return lease_->end();
    if (lost) lease_->looked_at(parts_.now());
    on_end_(lost);
    return std::nullopt;
  }

  std::atomic<uint64_t> task{0};

 private:
  Parts &parts_;
  const std::shared_ptr<Lease> lease_;
  const OnEnd on_end_;
};

uint64_t Upkeep::watch(const std::shared_ptr<Lease> &lease, OnEnd on_end) {
  auto watch = std::make_shared<Watch>(parts_, lease, std::move(on_end));
  watch->task = parts_.service.at(parts_.now(), [watch] { return watch->look(); });
  parts_.service.hurry(watch->task);  // what happened before the task was known
  return watch->task;
}

void Upkeep::let_go(Lease &lease) noexcept {
  lease.let_go();
  if (!lease.is_counted()) lease.count_end(std::min(parts_.now(), lease.end()));
  end(lease);
}

void Upkeep::drop(Lease &lease) noexcept {
  if (begin_release(lease)) {
    released(lease, true, parts_.now());
    undo(lease.claim());
  }
  let_go(lease);
}

bool Upkeep::begin_release(Lease &lease) noexcept {
  if (!lease.begin_release()) return false;
  end(lease);
  return true;
}

// The token ends here and not when the release begins: the push of its own grant may still be under
// way, and to release it once more would overtake the release, or undo the lease if that fails.
void Upkeep::released(Lease &lease, bool owned, Instant at) noexcept {
  parts_.wake.remember_ended(lease.claim());
  if (owned)
    lease.released();
  else
    lease.released_late(parts_.now());
  lease.count_end(at);
}

void Upkeep::release_failed(Lease &lease, const Unanswered &why) noexcept {
  lease.failed("release", parts_.server.named(why));
  lease.release_failed(why.sent());
  if (!why.sent()) return;
  parts_.wake.remember_ended(lease.claim());
  lease.count_end(std::min(parts_.now(), lease.end()));
  roll_back("release", lease.name(), lease.claim(), why);
}

Error Upkeep::end_release(Lease &lease, const Releasing &release) {
  if (const auto &failure = release.failure()) {
    release_failed(lease, *failure);
    return outcome_of(*failure);
  }
  // A re-check that ran late may have queued the token again after its grant was lost.
  const bool owned = release.owned() || lease.release_was_ambiguous();
  released(lease, owned, release.at());
  return owned ? done() : redilock::lost(lease, parts_.now());
}

void Upkeep::roll_back(const char *verb, std::string_view name, const Claim &claim,
                       const Error &cause) noexcept {
  parts_.telemetry.statistics.add(Stat::kUnknown);
  parts_.telemetry.log.add(LogLevel::kWarning, [&] {
    return on_lock(name, cannot(verb, parts_.server, cause.as(Status::kUnknown))).message() +
           "; the client rolls it back";
  });
  undo(claim);
}

// What is not needed any more goes at once, rather than when it would be due: of a long ttl that
// could be hours, and thousands of leases.
void Upkeep::end(const Lease &lease) noexcept {
  parts_.service.cancel(lease.renewal_task);
  parts_.service.cancel(lease.watch_task);
}

// A claim whose outcome is not known, to be taken back until it surely has been. An abandoned
// request that the server would not end may still run, so then it is taken back again and again for
// one ttl. A place in the queue may stand for as long as others wait with this client, so a server
// that cannot be reached, or is in a state that passes, is asked until it answers.
struct Upkeep::Undo {
  Undo(Running &in, Claim what, Instant until) : claim(std::move(what)), end(until), running(in) {}

  const Claim claim;
  const Instant end;
  std::optional<Releasing> leaving;  // the last attempt
  bool asking = false;
  std::optional<Running::Entry> running;  // until it is done
};

void Upkeep::undo_here(const Claim &claim) noexcept {
  const Micros most = parts_.running.is_closed() ? kClosingTime : Acquiring::kGrace;
  const Micros rollback_timeout = std::min<Micros>(parts_.options.timeout, most);
  try {
    parts_.commands.leave(claim, {parts_.clock, after(parts_.now(), rollback_timeout)});
  } catch (const std::exception &) {
    undo(claim);
  }
}

void Upkeep::undo(const Claim &claim) noexcept {
  try {
    auto undo = std::make_shared<Undo>(parts_.running, claim, after(parts_.now(), claim.ttl));
    parts_.service.at(parts_.now(), [this, undo] { return undo_once(undo); });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the lease runs out by itself
  }
}

std::optional<Instant> Upkeep::undo_once(const std::shared_ptr<Undo> &undo) {
  if (!undo->running) return std::nullopt;
  const Instant next = after(parts_.now(), kUndoPause);
  if (undo->asking) return next;
  undo->leaving.emplace(undo->claim);
  const std::shared_ptr<Releasing> leaving(undo, &*undo->leaving);
  ask(parts_, leaving, parts_.request_deadline(), [this, undo] {
    undo->asking = false;
    if (is_undone(*undo)) undo->running.reset();
  });
  undo->asking = true;
  return next;
}

// Whether it need not be sent again.
bool Upkeep::is_undone(const Undo &undo) const {
  const bool over = after(parts_.now(), kUndoPause) >= undo.end;
  if (const auto &failure = undo.leaving->failure()) return !failure->retriable() && over;
  return over || (!undo.leaving->more() && parts_.server.can_end_abandoned());
}

}  // namespace redilock
