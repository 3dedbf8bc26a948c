#include "client/submissions.hpp"

#include <new>
#include <utility>

#include "client/asking.hpp"
#include "client/failure.hpp"

namespace redilock {

namespace {

const char *verb_of(CompletionKind kind) noexcept {
  switch (kind) {
    case CompletionKind::kAcquire:
      return "acquire";
    case CompletionKind::kRelease:
      return "release";
    case CompletionKind::kBreak:
      return "break";
    case CompletionKind::kInfo:
      return "look up";
    case CompletionKind::kExtend:
    case CompletionKind::kLoss:
    case CompletionKind::kLog:
      break;
  }
  return "extend";
}

}  // namespace

Submissions::Submissions(ClientContext &context, LeaseKeeper &keeper)
    : context_(context), keeper_(keeper) {}

Submissions::~Submissions() = default;

void Submissions::drop() noexcept {
  for (const auto &[control, acquire] : acquiring_) acquire->drop();
  acquiring_.clear();
  std::lock_guard lock(mutex_);
  taken_.splice(taken_.end(), submitted_);
  for (const auto &submission : taken_) {
    if (const auto begun = std::move(submission->begun)) begun->drop();
    submission->running.reset();
  }
  taken_.clear();
}

AcquireResult Submissions::try_here(const std::shared_ptr<Submission> &submission) {
  auto acquire = std::make_shared<AsyncAcquire>(context_, keeper_, *this, submission);
  if (!acquire->try_here()) {
    submission->begun = std::move(acquire);
    return {{}, nullptr};
  }
  Outcome outcome = described(*submission, acquire->end());
  if (submission->lease && context_.running.is_closed()) {
    give_back(*submission);
    return {described(*submission, client_closed()), nullptr};
  }
  try {
    if (submission->lease) keeper_.keep(submission->lease, submission->request);
  } catch (...) {
    keeper_.rollback().undo_here(submission->lease->claim());
    throw;
  }
  return {std::move(outcome), submission->lease};
}

void Submissions::take_back(Submission &submission) noexcept {
  if (const auto begun = std::move(submission.begun)) begun->take_back();
}

void Submissions::submit(const std::shared_ptr<Submission> &submission) {
  std::list<std::shared_ptr<Submission>> added{submission};
  context_.event_loop.start();
  submission->running.emplace(context_.running);
  ++open_;
  {
    std::lock_guard lock(mutex_);
    submitted_.splice(submitted_.end(), added);
  }
  context_.event_loop.wake();
}

void Submissions::cancel(const Control &control) noexcept {
  cancels_.tell(control);
  context_.event_loop.wake();
}

// One of the two threads sees what the other has stored: that it ended, or that it is abandoned.
void Submissions::abandon(Submission &submission) noexcept {
  if (submission.taken && (!submission.lease || submission.lock_taken)) return;
  submission.abandoned.store(true);
  if (submission.ended) return give_back(submission);
  cancels_.tell(*submission.control);
  context_.event_loop.wake();
}

void Submissions::give_back(Submission &submission) noexcept {
  if (submission.kind != CompletionKind::kAcquire || !submission.lease) return;
  if (submission.lock_taken.exchange(true)) return;
  keeper_.let_go(*submission.lease);
  keeper_.rollback().undo(submission.lease->claim());
}

void Submissions::run() noexcept {
  if (context_.running.is_closed()) close_down();
  stop_cancelled();
  begin_some();
}

void Submissions::give_back_untaken() noexcept {
  context_.completions.for_each([this](Submission &submission) {
    if (submission.kind != CompletionKind::kAcquire || !submission.lease) return;
    give_back(submission);
    submission.outcome = described(submission, client_closed());
  });
}

// Acquires leave their queues, and what the server does not answer soon ends without an answer.
void Submissions::close_down() noexcept {
  const bool is_first = !std::exchange(closing_, true);
  if (is_first) {
    for (auto next = acquiring_.begin(); next != acquiring_.end();)
      std::shared_ptr((next++)->second)->stop(client_closed());
  } else if (end_at_ > context_.now()) {
    return;
  } else {
    context_.pipeline.end_all(client_closed());
  }
  end_at_ = are_ended() ? kNever : after(context_.now(), kClosingTime);
}

// Each acquire ends no other than itself, which is taken out of the map meanwhile.
void Submissions::stop_cancelled() noexcept {
  const bool look_at_all = cancels_.take([this](const Control *control) {
    const auto found = acquiring_.find(control);
    if (found != acquiring_.end()) std::shared_ptr(found->second)->stop_if_cancelled();
  });
  const bool drive = drive_at_ <= context_.now();
  if (drive) drive_at_ = kNever;
  for (auto next = acquiring_.begin(); (look_at_all || drive) && next != acquiring_.end();) {
    const auto acquire = (next++)->second;
    if (look_at_all) acquire->stop_if_cancelled();
    if (drive) acquire->drive();
  }
}

void Submissions::begin_some() noexcept {
  {
    std::lock_guard lock(mutex_);
    taken_.splice(taken_.end(), submitted_);
  }
  for (int i = 0; i < kBatchSize && !taken_.empty(); ++i) {
    const std::shared_ptr<Submission> submission = std::move(taken_.front());
    taken_.pop_front();
    begin(submission);
  }
}

void Submissions::drive_later() noexcept {
  constexpr Micros kPauseForMemory{10000};
  drive_at_ = after(context_.now(), kPauseForMemory);
}

void Submissions::begin(const std::shared_ptr<Submission> &submission) noexcept {
  if (context_.running.is_closed() && !submission->begun)
    return complete(submission, client_closed());
  try {
    if (submission->kind == CompletionKind::kAcquire) return begin_acquire(submission);
    run(submission, call_of(*submission));
  } catch (const Error &error) {
    complete(submission, error);
  } catch (const std::bad_alloc &) {
    complete(submission, no_memory());
  }
}

// An outcome in the words for the caller.
Outcome Submissions::described(const Submission &submission,
                               const Outcome &outcome) const noexcept {
  if (outcome.ok()) return {};
  const auto &lease = submission.lease;
  return on_lock(lease ? lease->name() : submission.request.name,
                 cannot(verb_of(submission.kind), *context_.router, outcome.error()));
}

void Submissions::complete(const std::shared_ptr<Submission> &submission,
                           const Outcome &outcome) noexcept {
  submission->outcome = described(*submission, outcome);
  submission->ended.store(true);
  submission->end.front().submission = submission;
  if (submission->abandoned)
    submission->end.clear();
  else
    context_.completions.push(submission->end);
  if (context_.running.is_closed()) give_back_untaken();  // close() may not have seen this one
  --open_;
  if (context_.running.is_closed()) context_.completions.stay_readable();  // it may be the last one
  submission->running.reset();  // after all that a caller who waits for it looks at
}

void Submissions::begin_acquire(const std::shared_ptr<Submission> &submission) {
  const bool begun = submission->begun != nullptr;
  auto acquire = begun ? std::move(submission->begun)
                       : std::make_shared<AsyncAcquire>(context_, keeper_, *this, submission);
  acquiring_.emplace(submission->control.get(), acquire);
  if (!begun) return acquire->start();
  acquire->resume();
  if (context_.running.is_closed()) acquire->stop(client_closed());
}

void Submissions::acquired(const std::shared_ptr<Submission> &submission,
                           const Outcome &outcome) noexcept {
  complete(submission, outcome);
  if (submission->abandoned) give_back(*submission);
  acquiring_.erase(submission->control.get());
}

// A call other than acquire, which refers to what the submission owns.
void Submissions::run(const std::shared_ptr<Submission> &submission,
                      const std::shared_ptr<LockCall> &call) {
  if (const auto ended = call->begin()) return complete(submission, *ended);
  const std::shared_ptr<Machine> machine(call, &call->machine());
  const auto end = [this, submission, call] {
    try {
      complete(submission, call->end());
    } catch (const std::bad_alloc &) {
      complete(submission, no_memory());
    }
  };
  try {
    ask(context_, machine, call->deadline(context_.request_deadline()), end);
  } catch (const std::bad_alloc &) {
    machine->failed({no_memory(), false});
    end();
  }
}

std::shared_ptr<LockCall> Submissions::call_of(Submission &submission) {
  const RequestOptions &request = submission.request;
  Lease *lease = submission.lease.get();
  switch (submission.kind) {
    case CompletionKind::kRelease:
      if (lease != nullptr) return std::make_shared<ReleaseLease>(keeper_, *lease);
      return std::make_shared<ReleaseToken>(context_.claim_of(request));
    case CompletionKind::kExtend:
      if (lease != nullptr) return std::make_shared<ExtendLease>(keeper_, *lease, request.ttl);
      return std::make_shared<ExtendToken>(context_.claim_of(request), request.ttl);
    case CompletionKind::kBreak:
      return std::make_shared<BreakLock>(context_.keys_of(request));
    case CompletionKind::kInfo:
      return std::make_shared<LookUp>(context_.keys_of(request), submission.info);
    case CompletionKind::kAcquire:
    case CompletionKind::kLoss:
    case CompletionKind::kLog:
      break;
  }
  throw Error(Status::kInternal, "nobody submits such a request");
}

}  // namespace redilock
