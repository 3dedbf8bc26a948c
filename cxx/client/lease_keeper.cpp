#include "client/lease_keeper.hpp"

#include <algorithm>
#include <utility>

#include "client/asking.hpp"
#include "client/failure.hpp"
#include "lock/acquire_machine.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "lock/validity.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr Micros kMinRetry{10000};
constexpr Micros kMaxRetry{1000000};

}  // namespace

std::shared_ptr<Lease> LeaseKeeper::lease(const RequestOptions &request, const Claim &claim,
                                          const Granted &granted) {
  return std::make_shared<Lease>(
      request.name, claim, granted.fence, lease_end(granted.anchor, claim.ttl),
      after(granted.anchor, request.max_hold), request.max_hold, &context_.telemetry);
}

// One lease that is kept up. What an answer leads to takes no memory.
struct LeaseKeeper::Renewal {
  std::shared_ptr<Lease> lease;
  Instant next;
  bool asking = false;
  bool failed = false;  // the last one, which the log says once
};

// The first time a third of the ttl after the grant, or at once if its caller took it later.
void LeaseKeeper::keep(const std::shared_ptr<Lease> &lease, const RequestOptions &request) {
  if (!request.renew) return;
  const Instant third = after(lease->end(), -2 * Micros(lease->claim().ttl) / 3);
  const Instant first = std::max(context_.now(), third);
  auto renewal = std::make_shared<Renewal>(Renewal{lease, first});
  lease->looks_at(first);
  lease->renewal_task =
      context_.event_loop.schedule_at(first, [this, renewal] { return renew_once(renewal); });
}

// Extends a lease at a third of its ttl. What fails is tried again until the local deadline tells
// the loss.
std::optional<Instant> LeaseKeeper::renew_once(const std::shared_ptr<Renewal> &renewal) {
  Lease &lease = *renewal->lease;
  const Claim &claim = lease.claim();
  const Instant now = context_.now();
  if (context_.running.is_closed()) return std::nullopt;
  lease.looked_at(now);
  const bool due = now >= renewal->next;
  const Millis ttl = lease.renewal_ttl(now);
  if (due && ttl == Millis(0)) {
    lease.looks_at(lease.end());  // for nothing more: nobody need come
    return std::nullopt;
  }
  if (due) renewal->next = after(now, std::clamp(Micros(claim.ttl) / 10, kMinRetry, kMaxRetry));
  lease.looks_at(renewal->next);
  if (!due) return renewal->next;
  if (renewal->asking) {  // for a whole pause: the caller may ask what is wrong
    lease.failed("renew", context_.router->named(context_.pipeline.trouble()));
    return renewal->next;
  }
  const auto extension = std::make_shared<ExtendMachine>(claim, ttl);
  const Instant end = std::min(context_.request_deadline(), lease.end());
  ask(context_, extension, end, [this, renewal, extension] {
    renewal->asking = false;
    renewed(*renewal, *extension);
  });
  renewal->asking = true;
  return renewal->next;
}

void LeaseKeeper::renewed(Renewal &renewal, const ExtendMachine &extension) {
  if (extension.failure()) return renewal_failed(renewal, *extension.failure());
  if (!extended(*renewal.lease, extension)) return;
  renewal.next = after(*extension.anchor(), Micros(extension.ttl()) / 3);
  renewal.failed = false;
  context_.telemetry.statistics.add(Stat::kRenewed);
}

// Whether the token held the lock.
bool LeaseKeeper::extended(Lease &lease, const ExtendMachine &extension) noexcept {
  if (extension.anchor())
    lease.extended(*extension.anchor(), extension.ttl(), context_.now());
  else
    lost(lease);
  return extension.anchor().has_value();
}

std::optional<Error> LeaseKeeper::why_ended(Lease &lease) const {
  const Instant now = context_.now();
  const Lease::State state = lease.state(now);
  if (state == Lease::State::kHeld) return std::nullopt;
  return state == Lease::State::kReleased ? released_before() : redilock::lost(lease, now);
}

Outcome LeaseKeeper::end_extension(Lease &lease, const ExtendMachine &extension) {
  if (const auto &failure = extension.failure()) {
    lease.failed("extend", context_.router->named(*failure));
    const bool is_lost = lease.state(context_.now()) == Lease::State::kLost;
    return is_lost ? redilock::lost(lease, context_.now()) : outcome_of(*failure);
  }
  extended(lease, extension);
  if (lease.state(context_.now()) != Lease::State::kHeld)
    return redilock::lost(lease, context_.now());
  return {};
}

void LeaseKeeper::renewal_failed(Renewal &renewal, const Error &error) noexcept {
  context_.telemetry.statistics.add(Stat::kRenewalsFailed);
  renewal.lease->failed("renew", context_.router->named(error));
  if (std::exchange(renewal.failed, true)) return;
  context_.telemetry.log.add(LogLevel::kWarning, [&] {
    return on_lock(renewal.lease->name(), cannot("renew", *context_.router, error)).message();
  });
}

// The server says that it is not held. Who holds it now is asked for once, for the message.
void LeaseKeeper::lost(Lease &lease) noexcept {
  lease.lost(context_.now());
  const auto shared = lease.weak_from_this().lock();
  if (!shared || lease.is_let_go()) return;
  try {
    context_.event_loop.schedule_at(context_.now(), [this, shared]() -> std::optional<Instant> {
      if (!context_.running.is_closed()) ask_for_holder(shared);
      return std::nullopt;
    });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the message does without
  }
}

void LeaseKeeper::ask_for_holder(const std::shared_ptr<Lease> &lease) {
  auto done = [lease](const Answer *answer, const Unanswered *) {
    try {
      if (answer != nullptr) lease->taken_by(read_holding(*answer));
    } catch (const std::exception &) {
      return;  // not understood, or no memory: the message does without
    }
  };
  requests::info(lease->claim().keys,
                 context_.asking(context_.request_deadline(), std::move(done)));
}

// Looks at a lease when it would end, and at once when it is found lost or released.
class LeaseKeeper::Watch final : public LeaseListener {
 public:
  Watch(ClientContext &context, const std::shared_ptr<Lease> &lease, OnEnd on_end)
      : context_(context), lease_(lease), on_end_(std::move(on_end)) {
    lease->add(*this);
  }
  ~Watch() override { lease_->remove(*this); }

  void lease_ended() noexcept override { context_.event_loop.hurry(task); }

  std::optional<Instant> look() {
    if (lease_->is_let_go() || context_.running.is_closed()) return std::nullopt;
    const bool lost = lease_->is_lost(context_.now());
    if (!lost && !lease_->release_begun()) return lease_->end();
    if (lost) lease_->looked_at(context_.now());
    on_end_(lost);
    return std::nullopt;
  }

  std::atomic<uint64_t> task{0};

 private:
  ClientContext &context_;
  const std::shared_ptr<Lease> lease_;
  const OnEnd on_end_;
};

uint64_t LeaseKeeper::watch(const std::shared_ptr<Lease> &lease, OnEnd on_end) {
  auto watch = std::make_shared<Watch>(context_, lease, std::move(on_end));
  watch->task = context_.event_loop.schedule_at(context_.now(), [watch] { return watch->look(); });
  context_.event_loop.hurry(watch->task);  // what happened before the task was known
  return watch->task;
}

void LeaseKeeper::let_go(Lease &lease) noexcept {
  lease.let_go();
  if (!lease.is_counted()) lease.count_end(std::min(context_.now(), lease.end()));
  end(lease);
}

void LeaseKeeper::drop(Lease &lease) noexcept {
  if (begin_release(lease)) {
    released(lease, true, context_.now());
    rollback_.undo(lease.claim());
  }
  let_go(lease);
}

bool LeaseKeeper::begin_release(Lease &lease) noexcept {
  if (!lease.begin_release()) return false;
  end(lease);
  return true;
}

// The token ends here and not when the release begins: the push of its own grant may still be under
// way, and to release it once more would overtake the release, or undo the lease if that fails.
void LeaseKeeper::released(Lease &lease, bool owned, Instant at) noexcept {
  context_.wake.remember_ended(lease.claim());
  if (owned)
    lease.released();
  else
    lease.released_late(context_.now());
  lease.count_end(at);
}

void LeaseKeeper::release_failed(Lease &lease, const Unanswered &why) noexcept {
  lease.failed("release", context_.router->named(why));
  lease.release_failed(why.sent());
  if (!why.sent()) return;
  context_.wake.remember_ended(lease.claim());
  lease.count_end(std::min(context_.now(), lease.end()));
  rollback_.roll_back("release", lease.name(), lease.claim(), why);
}

Outcome LeaseKeeper::end_release(Lease &lease, const ReleaseMachine &release) {
  if (const auto &failure = release.failure()) {
    release_failed(lease, *failure);
    return outcome_of(*failure);
  }
  // A re-check that ran late may have queued the token again after its grant was lost.
  const bool owned = release.owned() || lease.release_was_ambiguous();
  released(lease, owned, release.at());
  if (!owned) return redilock::lost(lease, context_.now());
  return {};
}

// What is not needed any more goes at once, rather than when it would be due: of a long ttl that
// could be hours, and thousands of leases.
void LeaseKeeper::end(const Lease &lease) noexcept {
  context_.event_loop.cancel(lease.renewal_task);
  context_.event_loop.cancel(lease.watch_task);
}

}  // namespace redilock
