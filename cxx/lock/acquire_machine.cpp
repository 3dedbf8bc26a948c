#include "lock/acquire_machine.hpp"

#include <algorithm>
#include <new>

#include "lock/validity.hpp"

namespace redilock {

namespace {

constexpr int kSlowGrants = 3;
constexpr const char *kStillInQueue =
    "the place in the queue could not be given up, which is tried again: ";

// What they say is added by why().
Error held_by_another() { return {Status::kHeld, "", true}; }
Error wait_is_over() { return {Status::kTimeout, "", true}; }

// Whether the server answered, with a no.
bool is_refusal(const Error &error) {
  const Status status = error.status();
  return status == Status::kServer || status == Status::kAuth || status == Status::kProtocol;
}

bool stopped(const Error &error) {
  return error.status() == Status::kCancelled || error.status() == Status::kInterrupted ||
         error.status() == Status::kClosed;
}

}  // namespace

AcquireMachine::AcquireMachine(Claim claim, Instant start, Millis wait, Millis timeout,
                               Millis patience)
    : claim_(std::move(claim)),
      start_(start),
      wait_(wait),
      try_only_(wait == Millis(0)),
      wait_end_(wait < Millis(0) ? kNever : after(start, wait)),
      patience_(after(start, patience)),
      timeout_(timeout) {}

void AcquireMachine::begin(bool subscribed) {
  step_ = subscribed && !try_only_ ? Step::kQueue : Step::kTry;
}

void AcquireMachine::queues_under(const std::string &channel) {
  asked_ = true;
  if (claim_.channel != channel) claim_.channel = channel;
}

bool AcquireMachine::is_queued_elsewhere(const std::string &channel) const noexcept {
  return !claim_.channel.empty() && claim_.channel != channel;
}

void AcquireMachine::begin_in_order() { step_ = try_only_ ? Step::kTry : Step::kSubscribe; }

Instant AcquireMachine::step_end(Instant now) const {
  switch (step_) {
    case Step::kTry:
      return try_only_ ? patience_ : std::min(patience_, after(wait_end_, kGrace));
    case Step::kSubscribe:
      return std::min(patience_, after(wait_end_, kGrace));
    case Step::kQueue:
      return std::min(queued_ ? after(now, timeout_) : patience_, after(wait_end_, kGrace));
    case Step::kLeave:
      return after(now, std::min<Micros>(timeout_, kGrace));
    case Step::kWait:
    case Step::kDone:
      break;
  }
  return wait_end_;
}

void AcquireMachine::replied(const AcquireReply &reply, Instant now) {
  auto *grant = std::get_if<Granted>(&reply);
  if (stopping_) {
    asked_ = asked_ || grant != nullptr;  // a grant that nobody wants is handed on
    return give_up(*why_);
  }
  if (grant != nullptr) return granted(*grant, now);
  missed_.reset();
  if (auto *held = std::get_if<Held>(&reply)) {
    if (held->ask_again) {
      with_all_keys_ = true;
      return;
    }
    holder_seen(held->holding, held->holder_ttl, now);
    if (try_only_) return refuse(held_by_another());
    step_ = Step::kSubscribe;
    return;
  }
  const auto &queued = std::get<Queued>(reply);
  holder_seen(queued.holding, queued.holder_ttl, now);
  refusal_->ahead = queued.rank;
  queued_ = true;
  step_ = Step::kWait;
}

void AcquireMachine::holder_seen(const std::string &holding, std::optional<Millis> holder_ttl,
                                 Instant now) {
  const Instant end = holder_ttl ? after(now, Micros(*holder_ttl)) : kNever;
  refusal_ = Refusal{holding, now, end, std::nullopt};
}

// A grant that arrives when its lease has run out is asked for anew, a few times.
void AcquireMachine::granted(const Granted &granted, Instant now) {
  if (now < lease_end(granted.anchor, claim_.ttl)) {
    grant_ = granted;
    granted_at_ = now;
    return finish();
  }
  if (++slow_grants_ < kSlowGrants) return;
  undo_ = true;
  refuse({Status::kLost, "the lease had run out before its grant arrived", "", true});
}

bool AcquireMachine::failed(const Error &error, bool sent) {
  if (stopping_ && step_ != Step::kLeave) {
    undo_ = undo_ || (step_ == Step::kTry && sent);
    give_up(*why_);
    return false;
  }
  switch (step_) {
    case Step::kTry:
      undo_ = sent;
      refuse(sent && error.status() == Status::kUnavailable
                 ? error.worded("", "; the request is being undone").as(Status::kUnknown)
                 : error);
      break;
    case Step::kQueue:
    case Step::kWait:
      if (queued_ && error.retriable() && !stopped(error)) {
        missed_ = error;
        step_ = Step::kWait;
        return true;
      }
      if (queued_ || sent)
        give_up(error);
      else
        refuse(error);
      break;
    case Step::kLeave:
      undo_ = true;
      // A server that refuses to queue refuses to let the place go too: the first refusal says
      // more.
      refuse(is_refusal(*why_) || !why_->retriable()
                 ? *why_
                 : error.worded(kStillInQueue).as(Status::kUnknown));
      break;
    case Step::kSubscribe:
    case Step::kDone:
      give_up(error);
      break;
  }
  return false;
}

void AcquireMachine::subscribed() { step_ = Step::kQueue; }

bool AcquireMachine::pushed(const PushedGrant &push, Instant now) {
  if (!push.anchor || lease_end(*push.anchor, claim_.ttl) - now < Micros(claim_.ttl) / 2)
    return false;
  granted({claim_.fence ? push.fence : 0, *push.anchor}, now);
  return true;
}

void AcquireMachine::due() { step_ = Step::kQueue; }

void AcquireMachine::passed(Instant now) {
  if (now < wait_end_) return;
  timed_out_ = true;
  give_up(wait_is_over());
}

void AcquireMachine::stop(const Error &why) {
  if (step_ == Step::kDone || step_ == Step::kLeave || stopping_) return;
  if (step_ == Step::kWait || step_ == Step::kSubscribe) return give_up(why);
  stopping_ = true;
  why_ = why;
}

void AcquireMachine::left() { finish(); }

// "held by web1/4711 for another 12.3s"
std::string AcquireMachine::holder(Instant now) const {
  if (!refusal_) return "";
  if (refusal_->holding.empty()) return "others wait for it";
  const std::string &holding = refusal_->holding;
  if (refusal_->end == kNever) return holding + " without an end";
  if (refusal_->end > now) return holding + " for another " + format_about(refusal_->end - now);
  return holding + " when last seen, " + format_about(now - refusal_->seen) + " ago";
}

std::string AcquireMachine::place() const {
  if (!refusal_ || !refusal_->ahead) return "";
  if (*refusal_->ahead == 0) return ", next in the queue";
  return ", " + std::to_string(*refusal_->ahead) + " ahead in the queue";
}

Error AcquireMachine::described(Instant now) const {
  if (why_->status() == Status::kHeld) return why_->worded(holder(now));
  if (timed_out_ && why_->status() == Status::kUnknown)
    return why_->worded("not granted within " + format_duration(wait_) + "; ");
  if (why_->status() != Status::kTimeout && !stopped(*why_)) return *why_;
  std::string text = why_->message();
  if (why_->status() == Status::kTimeout) text = "not granted within " + format_duration(wait_);
  if (missed_) text += ": " + missed_->message();
  if (refusal_) text += (missed_ ? "; " : ": ") + holder(now) + place();
  return {why_->status(), std::move(text), why_->retriable()};
}

Error AcquireMachine::why(bool polls, Instant now) const noexcept {
  try {
    if (!polls) return described(now);
    return described(now).worded(
        "",
        " (this client polls: the server's scripts do not see its subscription, perhaps because of "
        "a proxy)");
  } catch (const std::bad_alloc &) {
    return *why_;
  }
}

void AcquireMachine::count(Statistics &statistics, Status outcome) const noexcept {
  if (refusal_) statistics.add(Stat::kContended);
  switch (outcome) {
    case Status::kOk:
      statistics.add(Stat::kAcquired);
      statistics.add_wait(granted_at_ - start_);
      if (queued_) statistics.add(Stat::kHandOffs);
      break;
    case Status::kHeld:
      statistics.add(Stat::kRefused);
      break;
    case Status::kTimeout:
      statistics.add(Stat::kTimeouts);
      break;
    default:
      statistics.add(Stat::kFailed);
  }
}

void AcquireMachine::give_up(Error why) {
  if (!asked_) return refuse(std::move(why));
  why_ = std::move(why);
  step_ = Step::kLeave;
}

void AcquireMachine::refuse(Error why) {
  why_ = std::move(why);
  finish();
}

void AcquireMachine::finish() { step_ = Step::kDone; }

}  // namespace redilock
