#include "client/blocking_acquire.hpp"

#include <algorithm>
#include <new>

#include "values/status.hpp"

namespace redilock {

BlockingAcquire::BlockingAcquire(ClientContext &context, LeaseKeeper &keeper,
                                 const RequestOptions &request, const Call &call,
                                 Interrupt &try_interrupt)
    : context_(context),
      keeper_(keeper),
      request_(request),
      call_(call),
      interrupt_(call.interrupt),
      try_interrupt_(try_interrupt),
      machine_(context.claim(request), context.now(), request.wait, context.options.timeout,
               context.router->patience()) {}

BlockingAcquire::~BlockingAcquire() {
  if (wait_) context_.wake.remove(*wait_);
  show_position(0);
}

AcquireResult BlockingAcquire::run() {
  machine_.begin(request_.wait != Millis(0) && context_.wake.ready());
  while (machine_.step() != AcquireMachine::Step::kDone) {
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
  AcquireResult acquired = outcome();
  machine_.count(context_.telemetry.statistics, acquired.outcome.status());
  return acquired;
}

AcquireResult BlockingAcquire::outcome() {
  if (machine_.must_undo())
    keeper_.rollback().roll_back("acquire", request_.name, machine_.claim(), machine_.why());
  if (machine_.grant() && context_.running.is_closed()) {
    keeper_.rollback().undo_here(machine_.claim());
    return {client_closed(), nullptr};
  }
  if (machine_.grant()) return {{}, lease()};
  context_.wake.remember_ended(machine_.claim());
  return {machine_.why(context_.wake.polls(), now()), nullptr};
}

void BlockingAcquire::failed(const Error &error, bool sent) {
  if (machine_.failed(context_.router->named(error), sent) && wait_)
    context_.wake.failed(*wait_, sent);
}

void BlockingAcquire::step() {
  switch (machine_.step()) {
    case AcquireMachine::Step::kTry:
      return try_once();
    case AcquireMachine::Step::kSubscribe:
      context_.wake.subscribe(waiting(), limit(interrupt_));
      return machine_.subscribed();
    case AcquireMachine::Step::kQueue:
      return queue();
    case AcquireMachine::Step::kWait:
      return wait();
    case AcquireMachine::Step::kLeave:
      return leave();
    case AcquireMachine::Step::kDone:
      return;
  }
}

void BlockingAcquire::try_once() {
  const WaitContext end = limit(&try_interrupt_);
  const AcquireReply reply =
      context_.commands.acquire(machine_.claim(), machine_.with_all_keys(), end);
  machine_.replied(reply, now());  // the time after the reply, not before
}

void BlockingAcquire::queue() {
  Wait &wait = waiting();
  const WaitContext end = limit(interrupt_);
  const std::string &channel = context_.wake.name();
  if (machine_.is_queued_elsewhere(channel)) context_.commands.leave(machine_.claim(), end);
  machine_.queues_under(channel);
  AcquireReply reply = context_.commands.queue(machine_.claim(), wait.arrival, end);
  if (auto *queued = std::get_if<Queued>(&reply)) {
    context_.wake.answered(wait, *queued);
    show_position(queued->rank + 1);
  } else {
    context_.wake.granted(wait);
  }
  machine_.replied(reply, now());
}

void BlockingAcquire::wait() {
  Wait &wait = waiting();
  if (auto push = context_.wake.take_push(wait)) {
    if (machine_.pushed(*push, now())) return;
    context_.wake.doubt(wait);
  }
  const WaitContext end = limit(interrupt_);
  end.check();
  machine_.passed(now());
  if (machine_.step() != AcquireMachine::Step::kWait) return;
  const Instant due = context_.wake.due(wait);
  if (due <= now()) return machine_.due();
  context_.wake.sleep(wait, std::min(due, end.deadline));
}

// Nothing may break this off but its deadline, which is close if the client is closed.
void BlockingAcquire::leave() {
  show_position(0);
  const Instant most = context_.running.is_closed() ? after(now(), kClosingTime) : kNever;
  context_.commands.leave(machine_.claim(), limit(nullptr).until(most));
  if (!context_.router->can_end_abandoned()) keeper_.rollback().undo(machine_.claim());
  machine_.left();
}

Wait &BlockingAcquire::waiting() {
  if (!wait_) {
    wait_.emplace(machine_.claim(), interrupt_);
    context_.wake.add(*wait_);
  }
  return *wait_;
}

void BlockingAcquire::show_position(int64_t place) {
  if (call_.position != nullptr) call_.position->store(place);
}

std::shared_ptr<Lease> BlockingAcquire::lease() {
  try {
    auto lease = keeper_.lease(request_, machine_.claim(), *machine_.grant());
    keeper_.keep(lease, request_);
    return lease;
  } catch (...) {
    keeper_.rollback().undo_here(machine_.claim());
    machine_.count(context_.telemetry.statistics, Status::kUnavailable);
    throw;
  }
}

WaitContext BlockingAcquire::limit(Interrupt *interrupt) const {
  return {context_.clock, machine_.step_end(now()), interrupt};
}

}  // namespace redilock
