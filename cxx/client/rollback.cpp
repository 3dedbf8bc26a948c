#include "client/rollback.hpp"

#include <algorithm>

#include "client/asking.hpp"
#include "client/failure.hpp"
#include "lock/acquire_machine.hpp"
#include "lock/release_machine.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr Micros kUndoPause{250000};

}  // namespace

// A claim whose outcome is not known, to be taken back until it surely has been. An abandoned
// request that the server would not end may still run, so then it is taken back again and again for
// one ttl. A place in the queue may stand for as long as others wait with this client, so a server
// that cannot be reached, or is in a state that passes, is asked until it answers.
struct Rollback::Undo {
  Undo(Running &in, Claim what, Instant until) : claim(std::move(what)), end(until), running(in) {}

  const Claim claim;
  const Instant end;
  std::optional<ReleaseMachine> leaving;  // the last attempt
  bool asking = false;
  std::optional<Running::Entry> running;  // until it is done
};

void Rollback::undo_here(const Claim &claim) noexcept {
  const Micros most = context_.running.is_closed() ? kClosingTime : AcquireMachine::kGrace;
  const Micros rollback_timeout = std::min<Micros>(context_.options.timeout, most);
  try {
    context_.commands.leave(claim, {context_.clock, after(context_.now(), rollback_timeout)});
  } catch (const std::exception &) {
    undo(claim);
  }
}

void Rollback::undo(const Claim &claim) noexcept {
  try {
    auto undo = std::make_shared<Undo>(context_.running, claim, after(context_.now(), claim.ttl));
    context_.event_loop.schedule_at(context_.now(), [this, undo] { return undo_once(undo); });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the lease runs out by itself
  }
}

std::optional<Instant> Rollback::undo_once(const std::shared_ptr<Undo> &undo) {
  if (!undo->running) return std::nullopt;
  const Instant next = after(context_.now(), kUndoPause);
  if (undo->asking) return next;
  undo->leaving.emplace(undo->claim);
  const std::shared_ptr<ReleaseMachine> leaving(undo, &*undo->leaving);
  ask(context_, leaving, context_.request_deadline(), [this, undo] {
    undo->asking = false;
    if (is_undone(*undo)) undo->running.reset();
  });
  undo->asking = true;
  return next;
}

// Whether it need not be sent again.
bool Rollback::is_undone(const Undo &undo) const {
  const bool over = after(context_.now(), kUndoPause) >= undo.end;
  if (const auto &failure = undo.leaving->failure()) return !failure->retriable() && over;
  return over || (!undo.leaving->more() && context_.router->can_end_abandoned());
}

void Rollback::roll_back(const char *verb, std::string_view name, const Claim &claim,
                         const Error &cause) noexcept {
  context_.telemetry.statistics.add(Stat::kUnknown);
  context_.telemetry.log.add(LogLevel::kWarning, [&] {
    return on_lock(name, cannot(verb, *context_.router, cause.as(Status::kUnknown))).message() +
           "; the client rolls it back";
  });
  undo(claim);
}

}  // namespace redilock
