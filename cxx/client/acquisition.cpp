#include "client/acquisition.hpp"

#include <algorithm>

#include "lock/validity.hpp"
#include "values/finally.hpp"
#include "values/name.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

// How much longer than the wait itself a request under way may keep the caller.
constexpr Micros kGrace{1000000};
// Between attempts to ask while the server is in trouble and a place in the queue is held.
constexpr Micros kAskAgain{250000};
constexpr int kSlowGrants = 3;

Instant end_of_wait(Instant start, Millis wait) {
  return wait < Millis(0) ? kNever : after(start, wait);
}

}  // namespace

Acquisition::Acquisition(Client &client, const RequestOptions &request, const Call &call)
    : client_(client),
      request_(request),
      call_(call),
      interrupt_(call.interrupt != nullptr ? call.interrupt : &own_interrupt_),
      claim_{LockKeys(client.options_.prefix, request.name),
             make_token(client.ids_.next(), request.label), request.ttl, request.fence},
      start_(client.clock_.now()),
      wait_end_(end_of_wait(start_, request.wait)) {
  if (call.interrupt == nullptr) own_interrupt_.on_signals = request.interruptible;
}

Acquired Acquisition::run() {
  std::optional<Granted> granted;
  if (request_.wait == Millis(0) || !client_.wake_.ready()) granted = try_once();
  if (!granted && request_.wait == Millis(0)) return {Status::kHeld, nullptr};
  if (!granted) granted = wait_in_queue();
  if (!granted) return {Status::kTimeout, nullptr};
  return {Status::kOk, lease(*granted)};
}

// Without a place in the queue.
std::optional<Granted> Acquisition::try_once() {
  const bool stoppable = request_.interruptible || call_.interrupt != nullptr;
  const Instant end = request_.wait == Millis(0) ? kNever : after(wait_end_, kGrace);
  const Limit limit = client_.server_.request_limit(stoppable ? interrupt_ : nullptr).until(end);
  try {
    for (;;) {
      AcquireReply reply = client_.commands_.acquire(claim_, limit);
      if (auto *granted = std::get_if<Granted>(&reply)) {
        if (auto lasting = usable(*granted)) return lasting;
      } else if (!std::get<Held>(reply).ask_again) {
        return std::nullopt;
      }
    }
  } catch (const Unanswered &error) {
    if (!error.sent()) throw Error(error);
    client_.undo(claim_);
    if (error.status() != Status::kUnavailable) throw Error(error);
    throw Error(Status::kUnknown, error.message() + "; the request is being undone", true);
  }
}

// A grant that arrives when its lease has run out is asked for anew, a few times.
std::optional<Granted> Acquisition::usable(const Granted &granted) {
  if (now() < lease_end(granted.anchor, claim_.ttl)) return granted;
  if (++slow_grants_ < kSlowGrants) return std::nullopt;
  client_.undo(claim_);
  throw Error(Status::kLost, "the lease had run out before its grant arrived", true);
}

std::optional<Granted> Acquisition::wait_in_queue() {
  Wait wait(std::string(token_id(claim_.token)), claim_.keys.lock, *interrupt_);
  client_.wake_.add(wait);
  Finally gone([&] {
    client_.wake_.remove(wait);
    show_position(0);
  });
  std::optional<Granted> granted;
  try {
    granted = wait_loop(wait);
  } catch (const Error &) {
    leave();
    throw;
  }
  if (!granted) leave();
  return granted;
}

// Nothing comes back where the wait has ended without a grant.
std::optional<Granted> Acquisition::wait_loop(Wait &wait) {
  const Instant patience = after(start_, client_.options_.timeout);
  client_.wake_.subscribe(wait, limit_of(std::min(patience, after(wait_end_, kGrace))));
  for (;;) {
    if (auto granted = pushed(wait)) return granted;
    limit_of(kNever).check();
    if (now() >= wait_end_) return std::nullopt;
    if (wait.arrival == 0 || client_.wake_.due(wait) <= now())
      if (auto granted = ask(wait)) return granted;
    if (wait.arrival != 0) client_.wake_.sleep(wait, std::min(client_.wake_.due(wait), wait_end_));
  }
}

// Joins the queue, or re-checks the place in it. A waiter that has a place outlasts the server's
// troubles.
std::optional<Granted> Acquisition::ask(Wait &wait) {
  try {
    asked_ = true;
    const Limit limit = client_.server_.request_limit(interrupt_).until(after(wait_end_, kGrace));
    AcquireReply reply = client_.commands_.queue(claim_, client_.wake_.name(), wait.arrival, limit);
    if (auto *granted = std::get_if<Granted>(&reply)) return usable(*granted);
    const auto &queued = std::get<Queued>(reply);
    client_.wake_.answered(wait, queued);
    show_position(queued.rank + 1);
    if (queued.ask_again) client_.wake_.postpone(wait, after(now(), WaitList::kAfterExpiry));
  } catch (const Error &error) {
    const bool stopped =
        error.status() == Status::kCancelled || error.status() == Status::kInterrupted;
    if (wait.arrival == 0 || stopped || !error.retriable()) throw;
    client_.wake_.postpone(wait, after(now(), kAskAgain));
  }
  return std::nullopt;
}

// A grant that came over the wake channel. With little time left, or none that is known for sure,
// it is armed anew by a re-check.
std::optional<Granted> Acquisition::pushed(Wait &wait) {
  auto push = client_.wake_.take_push(wait);
  if (!push) return std::nullopt;
  if (push->anchor && lease_end(*push->anchor, claim_.ttl) - now() >= Micros(claim_.ttl) / 2)
    return Granted{claim_.fence ? push->fence : 0, *push->anchor};
  return ask(wait);
}

// Out of the queue, or the grant that came meanwhile handed on. Where the server cannot be asked it
// is undone later, and the caller learns that the outcome is unknown.
void Acquisition::leave() {
  if (!asked_) return;
  const Micros patience = std::min<Micros>(client_.options_.timeout, kGrace);
  const Limit limit{client_.clock_, after(now(), patience)};
  try {
    client_.commands_.leave(claim_, client_.wake_.name(), limit);
    if (!client_.server_.can_end_abandoned()) client_.undo(claim_);
  } catch (const Error &error) {
    client_.undo(claim_);
    throw Error(
        Status::kUnknown,
        "the place in the queue could not be given up, which is tried again: " + error.message(),
        true);
  }
}

std::shared_ptr<Lease> Acquisition::lease(const Granted &granted) {
  try {
    auto lease = std::make_shared<Lease>(request_.name, claim_, granted.fence,
                                         lease_end(granted.anchor, claim_.ttl),
                                         after(now(), request_.max_hold));
    if (request_.renew) client_.renew(lease);
    return lease;
  } catch (...) {
    client_.undo(claim_);
    throw;
  }
}

void Acquisition::show_position(int64_t place) {
  if (call_.position != nullptr) call_.position->store(place);
}

}  // namespace redilock
