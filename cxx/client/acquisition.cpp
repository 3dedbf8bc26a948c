#include "client/acquisition.hpp"

#include <algorithm>
#include <new>

#include "values/status.hpp"

namespace redilock {

Acquisition::Acquisition(Parts &parts, Upkeep &upkeep, const RequestOptions &request,
                         const Call &call, Interrupt &try_interrupt)
    : parts_(parts),
      upkeep_(upkeep),
      request_(request),
      call_(call),
      interrupt_(call.interrupt),
      try_interrupt_(try_interrupt),
      machine_(parts.claim(request), parts.now(), request.wait, parts.options.timeout,
               parts.server.patience()) {}

Acquisition::~Acquisition() {
  if (wait_) parts_.wake.remove(*wait_);
  show_position(0);
}

Acquired Acquisition::run() {
  machine_.begin(request_.wait != Millis(0) && parts_.wake.ready());
  while (machine_.step() != Acquiring::Step::kDone) {
    try {
      step();
    } catch (const Unanswered &error) {
      failed(error, error.sent());
    } catch (const Error &error) {
      failed(error, false);
    } catch (const std::bad_alloc &) {
      failed(no_memory(), true);
    }
  }
  Acquired acquired = outcome();
  machine_.count(parts_.telemetry.statistics, acquired.why.status());
  return acquired;
}

Acquired Acquisition::outcome() {
  if (machine_.must_undo())
    upkeep_.roll_back("acquire", request_.name, machine_.claim(), machine_.why());
  if (machine_.grant() && parts_.running.is_closed()) {
    upkeep_.undo_here(machine_.claim());
    return {client_closed(), nullptr};
  }
  if (machine_.grant()) return {Error(Status::kOk), lease()};
  parts_.wake.remember_ended(machine_.claim());
  return {machine_.why(parts_.wake.polls(), now()), nullptr};
}

void Acquisition::failed(const Error &error, bool sent) {
  if (machine_.failed(parts_.server.named(error), sent) && wait_) parts_.wake.failed(*wait_, sent);
}

void Acquisition::step() {
  switch (machine_.step()) {
    case Acquiring::Step::kTry:
      return try_once();
    case Acquiring::Step::kSubscribe:
      parts_.wake.subscribe(waiting(), limit(interrupt_));
      return machine_.subscribed();
    case Acquiring::Step::kQueue:
      return queue();
    case Acquiring::Step::kWait:
      return wait();
    case Acquiring::Step::kLeave:
      return leave();
    case Acquiring::Step::kDone:
      return;
  }
}

void Acquisition::try_once() {
  const Limit end = limit(&try_interrupt_);
  const AcquireReply reply =
      parts_.commands.acquire(machine_.claim(), machine_.with_all_keys(), end);
  machine_.replied(reply, now());  // the time after the reply, not before
}

void Acquisition::queue() {
  Wait &wait = waiting();
  const Limit end = limit(interrupt_);
  const std::string &channel = parts_.wake.name();
  if (machine_.is_queued_elsewhere(channel)) parts_.commands.leave(machine_.claim(), end);
  machine_.queues_under(channel);
  AcquireReply reply = parts_.commands.queue(machine_.claim(), wait.arrival, end);
  if (auto *queued = std::get_if<Queued>(&reply)) {
    parts_.wake.answered(wait, *queued);
    show_position(queued->rank + 1);
  } else {
    parts_.wake.granted(wait);
  }
  machine_.replied(reply, now());
}

void Acquisition::wait() {
  Wait &wait = waiting();
  if (auto push = parts_.wake.take_push(wait)) {
    if (machine_.pushed(*push, now())) return;
    parts_.wake.doubt(wait);
  }
  const Limit end = limit(interrupt_);
  end.check();
  machine_.passed(now());
  if (machine_.step() != Acquiring::Step::kWait) return;
  const Instant due = parts_.wake.due(wait);
  if (due <= now()) return machine_.due();
  parts_.wake.sleep(wait, std::min(due, end.deadline));
}

// Nothing may break this off but its deadline, which is close if the client is closed.
void Acquisition::leave() {
  show_position(0);
  const Instant most = parts_.running.is_closed() ? after(now(), kClosingTime) : kNever;
  parts_.commands.leave(machine_.claim(), limit(nullptr).until(most));
  if (!parts_.server.can_end_abandoned()) upkeep_.undo(machine_.claim());
  machine_.left();
}

Wait &Acquisition::waiting() {
  if (!wait_) {
    wait_.emplace(machine_.claim(), interrupt_);
    parts_.wake.add(*wait_);
  }
  return *wait_;
}

void Acquisition::show_position(int64_t place) {
  if (call_.position != nullptr) call_.position->store(place);
}

std::shared_ptr<Lease> Acquisition::lease() {
  try {
    auto lease = upkeep_.lease(request_, machine_.claim(), *machine_.grant());
    upkeep_.keep(lease, request_);
    return lease;
  } catch (...) {
    upkeep_.undo_here(machine_.claim());
    machine_.count(parts_.telemetry.statistics, Status::kUnavailable);
    throw;
  }
}

Limit Acquisition::limit(Interrupt *interrupt) const {
  return {parts_.clock, machine_.step_end(now()), interrupt};
}

}  // namespace redilock
