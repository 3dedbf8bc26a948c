#include "client/async_acquire.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

AsyncAcquire::AsyncAcquire(ClientContext &context, LeaseKeeper &keeper, AcquireOwner &owner,
                           std::shared_ptr<Submission> submission)
    : context_(context),
      keeper_(keeper),
      owner_(owner),
      submission_(std::move(submission)),
      machine_(context.claim(submission_->request), context.now(), submission_->request.wait,
               context.options.timeout, context.router->patience()) {}

AsyncAcquire::~AsyncAcquire() { stop_waiting(); }

bool AsyncAcquire::try_here() {
  machine_.begin(submission_->request.wait != Millis(0) && context_.wake.ready());
  try {
    ask_here();
  } catch (const Unanswered &error) {
    failed(error, error.sent());
  } catch (const Error &error) {
    failed(error, false);
  } catch (const std::bad_alloc &) {
    failed(no_memory(), true);
  }
  return machine_.step() == AcquireMachine::Step::kDone;
}

void AsyncAcquire::ask_here() {
  Interrupt &caller = submission_->control->interrupt;
  const WaitContext limit{context_.clock, machine_.step_end(now()), &caller};
  if (machine_.step() == AcquireMachine::Step::kQueue) {
    machine_.queues_under(context_.wake.name());
    Wait &wait = waiting(&caller);
    return queue_replied(context_.commands.queue(machine_.claim(), wait.arrival, limit));
  }
  bool asked_with_all_keys = false;
  do {
    asked_with_all_keys = machine_.with_all_keys();
    machine_.replied(context_.commands.acquire(machine_.claim(), asked_with_all_keys, limit),
                     now());
  } while (machine_.step() == AcquireMachine::Step::kTry &&
           machine_.with_all_keys() != asked_with_all_keys);
}

void AsyncAcquire::take_back() noexcept {
  drop();
  keeper_.rollback().undo_here(machine_.claim());
}

void AsyncAcquire::start() noexcept {
  machine_.begin_in_order();
  stop_if_cancelled();
  drive();
}

void AsyncAcquire::resume() noexcept {
  if (wait_) context_.wake.take_over(*wait_);
  stop_if_cancelled();
  drive();
}

void AsyncAcquire::stop_if_cancelled() noexcept {
  if (!submission_->control->interrupt.cancelled && !submission_->abandoned) return;
  stop({Status::kCancelled, "the operation was cancelled", "", true});
}

void AsyncAcquire::stop(const Error &why) noexcept {
  machine_.stop(why);
  drive();
}

void AsyncAcquire::drive() noexcept {
  AcquireOwner &owner = owner_;
  try {
    const auto self = shared_from_this();
    while (!asking_ && !finished_ && try_step()) {
    }
  } catch (const std::exception &) {  // for want of memory
    owner.drive_later();
  }
}

void AsyncAcquire::drop() noexcept {
  finished_ = true;
  stop_waiting();
}

bool AsyncAcquire::try_step() {
  try {
    return step();
  } catch (const Error &error) {
    failed(error, false);
  } catch (const std::bad_alloc &) {
    failed(no_memory(), true);
  }
  return true;
}

// False where the next step waits for an answer, a wake-up or the clock.
bool AsyncAcquire::step() {
  switch (machine_.step()) {
    case AcquireMachine::Step::kTry:
      ask_to_try();
      return false;
    case AcquireMachine::Step::kSubscribe:
      return subscribe();
    case AcquireMachine::Step::kQueue:
      ask_to_queue();
      return false;
    case AcquireMachine::Step::kWait:
      return wait();
    case AcquireMachine::Step::kLeave:
      ask_to_leave();
      return false;
    case AcquireMachine::Step::kDone:
      break;
  }
  owner_.acquired(submission_, end());
  return false;
}

bool AsyncAcquire::subscribe() {
  if (context_.wake.subscribed_or_notified(waiting())) {
    machine_.subscribed();
    return true;
  }
  if (auto refusal = context_.wake.refusal()) throw Error(*refusal);
  if (step_end_ == kNever) {
    subscribing_since_ = now();
    step_end_ = machine_.step_end(now());
  }
  if (now() >= step_end_) throw context_.wake.not_subscribed(step_end_ - subscribing_since_);
  wake_at(step_end_);
  return false;
}

bool AsyncAcquire::wait() {
  Wait &wait = waiting();
  if (auto push = context_.wake.take_push(wait)) {
    if (machine_.pushed(*push, now())) return true;
    context_.wake.doubt(wait);
  }
  if (auto refusal = context_.wake.refusal()) throw Error(*refusal);
  machine_.passed(now());
  if (machine_.step() != AcquireMachine::Step::kWait) return true;
  const Instant due = context_.wake.due(wait);
  if (due <= now()) {
    machine_.due();
    return true;
  }
  wake_at(std::min(due, machine_.step_end(now())));
  return false;
}

void AsyncAcquire::ask_to_try() {
  auto done = answer_to([this](const Answer &answer) {
    machine_.replied(read_acquire(answer, machine_.claim(), false), now());
  });
  requests::acquire(machine_.claim(), machine_.with_all_keys(),
                    context_.asking(machine_.step_end(now()), std::move(done)));
  asking_ = true;
}

void AsyncAcquire::ask_to_queue() {
  const std::string &channel = context_.wake.name();
  if (machine_.is_queued_elsewhere(channel)) return ask_to_move();
  machine_.queues_under(channel);
  auto done = answer_to([this](const Answer &answer) {
    queue_replied(read_acquire(answer, machine_.claim(), true));
  });
  requests::queue(machine_.claim(), waiting().arrival,
                  context_.asking(machine_.step_end(now()), std::move(done)));
  asking_ = true;
}

void AsyncAcquire::queue_replied(const AcquireReply &reply) {
  if (auto *queued = std::get_if<Queued>(&reply)) {
    context_.wake.answered(waiting(), *queued);
    submission_->control->position.store(queued->rank + 1);
  } else {
    context_.wake.granted(waiting());
  }
  machine_.replied(reply, now());
}

// Leaves the place under the former channel; the step stays, and queues under the new one.
void AsyncAcquire::ask_to_move() {
  auto done = answer_to([this](const Answer &answer) {
    if (!read_release(answer.reply).more) machine_.queues_under(context_.wake.name());
  });
  requests::leave(machine_.claim(), context_.asking(machine_.step_end(now()), std::move(done)));
  asking_ = true;
}

void AsyncAcquire::ask_to_leave() {
  submission_->control->position.store(0);
  auto done = answer_to([this](const Answer &answer) {
    if (read_release(answer.reply).more) return;  // the step stays, and sends it again
    if (!context_.router->can_end_abandoned()) keeper_.rollback().undo(machine_.claim());
    machine_.left();
  });
  requests::leave(machine_.claim(), context_.asking(machine_.step_end(now()), std::move(done)));
  asking_ = true;
}

// What the pipeline calls with the answer, which `on_reply` reads.
template <typename OnReply>
Pipeline::Done AsyncAcquire::answer_to(OnReply on_reply) {
  return [self = shared_from_this(), on_reply](const Answer *answer, const Unanswered *error) {
    self->asking_ = false;
    try {
      self->receive(on_reply, answer, error);
    } catch (const std::bad_alloc &) {
      return self->owner_.drive_later();  // which asks again
    }
    self->drive();
  };
}

template <typename OnReply>
void AsyncAcquire::receive(OnReply on_reply, const Answer *answer, const Unanswered *error) {
  if (finished_) return;
  if (answer == nullptr) return failed(*error, error->sent());
  try {
    on_reply(*answer);
  } catch (const Error &misread) {
    failed(misread, true);
  } catch (const std::bad_alloc &) {
    failed(no_memory(), true);
  }
}

void AsyncAcquire::failed(const Error &error, bool sent) {
  if (machine_.failed(context_.router->named(error), sent) && wait_)
    context_.wake.failed(*wait_, sent);
}

Outcome AsyncAcquire::end() noexcept {
  finished_ = true;
  context_.event_loop.cancel(timer_);
  stop_waiting();
  submission_->control->position.store(0);
  if (machine_.must_undo())
    keeper_.rollback().roll_back("acquire", submission_->request.name, machine_.claim(),
                                 machine_.why());
  if (!machine_.grant()) context_.wake.remember_ended(machine_.claim());
  try {
    if (machine_.grant()) {
      submission_->lease = keeper_.lease(submission_->request, machine_.claim(), *machine_.grant());
      return counted({});
    }
  } catch (const std::exception &) {  // for want of memory, as the thread runs
    keeper_.rollback().undo(machine_.claim());
    return counted(no_memory());
  }
  return counted(machine_.why(context_.wake.polls(), now()));
}

Outcome AsyncAcquire::counted(Outcome outcome) noexcept {
  machine_.count(context_.telemetry.statistics, outcome.status());
  return outcome;
}

void AsyncAcquire::stop_waiting() noexcept {
  if (wait_) context_.wake.remove(*wait_);
  wait_.reset();
}

void AsyncAcquire::wake_at(Instant when) {
  if (timer_ != 0 && timer_at_ == when) return;
  context_.event_loop.cancel(std::exchange(timer_, 0));
  timer_at_ = when;
  if (when == kNever) return;
  timer_ = context_.event_loop.schedule_at(when, [self = shared_from_this()] {
    self->timer_ = 0;
    self->drive();
    return std::nullopt;
  });
}

Wait &AsyncAcquire::waiting(Interrupt *caller) {
  if (wait_) return *wait_;
  wait_.emplace(machine_.claim(), caller);
  wait_->on_notify = [this] { drive(); };
  try {
    context_.wake.add(*wait_);
  } catch (...) {
    wait_.reset();
    throw;
  }
  return *wait_;
}

}  // namespace redilock
