#include "client/submissions.hpp"

#include <new>
#include <utility>

#include "client/async_acquire.hpp"
#include "client/failure.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"
#include "values/token.hpp"

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

Error no_memory() { return {Status::kNoMemory, "out of memory", true}; }

}  // namespace

Submissions::Submissions(Parts &parts, Upkeep &upkeep) : parts_(parts), upkeep_(upkeep) {}

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

Acquired Submissions::try_here(const std::shared_ptr<Submission> &submission) {
  auto acquire = std::make_shared<AsyncAcquire>(parts_, upkeep_, *this, submission);
  if (!acquire->try_here()) {
    submission->begun = std::move(acquire);
    return {done(), nullptr};
  }
  Error why = described(*submission, acquire->end());
  if (submission->lease && parts_.running.is_closed()) {
    give_back(*submission);
    return {described(*submission, client_closed()), nullptr};
  }
  try {
    if (submission->lease) upkeep_.keep(submission->lease, submission->request);
  } catch (...) {
    upkeep_.undo_here(submission->lease->claim());
    throw;
  }
  return {std::move(why), submission->lease};
}

void Submissions::take_back(Submission &submission) noexcept {
  if (const auto begun = std::move(submission.begun)) begun->take_back();
}

void Submissions::submit(const std::shared_ptr<Submission> &submission) {
  std::list<std::shared_ptr<Submission>> added{submission};
  parts_.service.start();
  submission->running.emplace(parts_.running);
  ++open_;
  {
    std::lock_guard lock(mutex_);
    submitted_.splice(submitted_.end(), added);
  }
  parts_.service.wake();
}

void Submissions::cancel(const Control &control) noexcept {
  cancels_.tell(control);
  parts_.service.wake();
}

// One of the two threads sees what the other has stored: that it ended, or that it is abandoned.
void Submissions::abandon(Submission &submission) noexcept {
  if (submission.taken && (!submission.lease || submission.lock_taken)) return;
  submission.abandoned.store(true);
  if (submission.ended) return give_back(submission);
  cancels_.tell(*submission.control);
  parts_.service.wake();
}

void Submissions::give_back(Submission &submission) noexcept {
  if (submission.kind != CompletionKind::kAcquire || !submission.lease) return;
  if (submission.lock_taken.exchange(true)) return;
  upkeep_.let_go(*submission.lease);
  upkeep_.undo(submission.lease->claim());
}

void Submissions::run() noexcept {
  if (parts_.running.is_closed()) close_down();
  stop_cancelled();
  begin_some();
}

void Submissions::give_back_untaken() noexcept {
  parts_.completions.for_each([this](Submission &submission) {
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
  } else if (end_at_ > parts_.now()) {
    return;
  } else {
    parts_.pipeline.end_all(client_closed());
  }
  end_at_ = are_ended() ? kNever : after(parts_.now(), kClosingTime);
}

// Each acquire ends no other than itself, which is taken out of the map meanwhile.
void Submissions::stop_cancelled() noexcept {
  const bool look_at_all = cancels_.take([this](const Control *control) {
    const auto found = acquiring_.find(control);
    if (found != acquiring_.end()) std::shared_ptr(found->second)->stop_if_cancelled();
  });
  const bool drive = drive_at_ <= parts_.now();
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
  for (int i = 0; i < kAtOnce && !taken_.empty(); ++i) {
    const std::shared_ptr<Submission> submission = std::move(taken_.front());
    taken_.pop_front();
    begin(submission);
  }
}

void Submissions::drive_later() noexcept {
  constexpr Micros kPauseForMemory{10000};
  drive_at_ = after(parts_.now(), kPauseForMemory);
}

void Submissions::begin(const std::shared_ptr<Submission> &submission) noexcept {
  if (parts_.running.is_closed() && !submission->begun)
    return complete(submission, client_closed());
  try {
    switch (submission->kind) {
      case CompletionKind::kAcquire:
        return begin_acquire(submission);
      case CompletionKind::kRelease:
        return begin_release(submission);
      case CompletionKind::kBreak:
        return begin_break(submission, parts_.request_deadline());
      case CompletionKind::kInfo:
        return begin_info(submission);
      case CompletionKind::kExtend:
        return begin_extend(submission);
      case CompletionKind::kLoss:
      case CompletionKind::kLog:
        break;  // nobody submits one
    }
  } catch (const Error &error) {
    complete(submission, error);
  } catch (const std::bad_alloc &) {
    complete(submission, no_memory());
  }
}

// An outcome in the words for the caller.
Error Submissions::described(const Submission &submission, const Error &outcome) const noexcept {
  const auto &lease = submission.lease;
  return on_lock(lease ? lease->name() : submission.request.name,
                 cannot(verb_of(submission.kind), parts_.server, outcome));
}

void Submissions::complete(const std::shared_ptr<Submission> &submission,
                           const Error &outcome) noexcept {
  submission->outcome = described(*submission, outcome);
  submission->ended.store(true);
  submission->end.front().submission = submission;
  if (submission->abandoned)
    submission->end.clear();
  else
    parts_.completions.push(submission->end);
  if (parts_.running.is_closed()) give_back_untaken();  // close() may not have seen this one
  --open_;
  if (parts_.running.is_closed()) parts_.completions.stay_readable();  // it may be the last one
  submission->running.reset();  // after all that a caller who waits for it looks at
}

// What the pipeline calls: `heard` gives the outcome, also by an Error.
template <typename Heard>
Pipeline::Done Submissions::completing(const std::shared_ptr<Submission> &submission, Heard heard) {
  return [this, submission, heard](const Answer *answer, const Unanswered *error) {
    try {
      complete(submission, heard(answer, error));
    } catch (const Error &misread) {
      complete(submission, misread);
    } catch (const std::bad_alloc &) {
      complete(submission, no_memory());
    }
  };
}

void Submissions::begin_acquire(const std::shared_ptr<Submission> &submission) {
  const bool begun = submission->begun != nullptr;
  auto acquire = begun ? std::move(submission->begun)
                       : std::make_shared<AsyncAcquire>(parts_, upkeep_, *this, submission);
  acquiring_.emplace(submission->control.get(), acquire);
  if (!begun) return acquire->start();
  acquire->resume();
  if (parts_.running.is_closed()) acquire->stop(client_closed());
}

void Submissions::acquired(const std::shared_ptr<Submission> &submission,
                           const Error &outcome) noexcept {
  complete(submission, outcome);
  if (submission->abandoned) give_back(*submission);
  acquiring_.erase(submission->control.get());
}

// The lease to release or extend, or else the request's token. Nothing for a token that is none of
// ours: a foreign holder's value is never touched.
std::optional<Claim> Submissions::claim_of(const Submission &submission) const {
  if (submission.lease) return submission.lease->claim();
  const RequestOptions &request = submission.request;
  if (!is_token(request.token)) return std::nullopt;
  return Claim{parts_.keys_of(request), request.token, request.ttl};
}

void Submissions::begin_release(const std::shared_ptr<Submission> &submission) {
  const auto lease = submission->lease;
  const auto claim = claim_of(*submission);
  if (!claim) return complete(submission, no_token());
  if (lease && !upkeep_.begin_release(*lease)) return complete(submission, released_before());
  try {
    auto answered = completing(submission, [=](const Answer *answer, const Unanswered *error) {
      return lease ? released(*lease, answer, error) : released(*claim, answer, error);
    });
    auto ask = parts_.asking(parts_.request_deadline(), std::move(answered));
    requests::leave(*claim, std::move(ask));
  } catch (...) {
    if (lease) upkeep_.release_failed(*lease, no_memory(), false);
    throw;
  }
}

Error Submissions::released(Lease &lease, const Answer *answer, const Unanswered *error) {
  if (answer == nullptr) {
    upkeep_.release_failed(lease, *error, error->sent());
    return outcome_of(*error);
  }
  try {
    const bool owned = released(lease.claim(), *answer) || lease.release_was_ambiguous();
    upkeep_.released(lease, owned, answer->sent);
    return owned ? done() : lost(lease, parts_.now());
  } catch (const Error &misread) {
    upkeep_.release_failed(lease, misread, false);
    throw;
  }
}

Error Submissions::released(const Claim &claim, const Answer *answer, const Unanswered *error) {
  if (answer == nullptr) return outcome_of(*error);
  return released(claim, *answer) ? done() : no_token();
}

// Whether the token held the lock. After an unheard request "not there" counts as that.
bool Submissions::released(const Claim &claim, const Answer &answer) {
  const Release release = read_release(answer.reply);
  if (release.more) upkeep_.undo(claim);  // it is free; this drops the rest of the dead
  return release.owned || answer.asked_before;
}

void Submissions::begin_extend(const std::shared_ptr<Submission> &submission) {
  const auto lease = submission->lease;
  const auto claim = claim_of(*submission);
  const auto state = lease ? lease->state(parts_.now()) : Lease::State::kHeld;
  if (!claim) return complete(submission, no_token());
  if (state == Lease::State::kReleased) return complete(submission, released_before());
  if (state == Lease::State::kLost) return complete(submission, lost(*lease, parts_.now()));
  const Millis ttl = submission->request.ttl;
  auto answered = completing(submission, [=](const Answer *answer, const Unanswered *error) {
    if (lease) return extended(*lease, ttl, answer, error);
    if (answer == nullptr) return outcome_of(*error);
    return read_extend(answer->reply) ? done() : no_token();
  });
  const Instant patience = parts_.request_deadline();
  const Instant end = lease ? std::min(patience, lease->end()) : patience;
  requests::extend(claim->keys, claim->token, ttl, parts_.asking(end, std::move(answered)));
}

Error Submissions::extended(Lease &lease, Millis ttl, const Answer *answer,
                            const Unanswered *error) {
  if (answer == nullptr) {
    lease.failed("extend", parts_.server.named(*error));
    const bool is_lost = lease.state(parts_.now()) == Lease::State::kLost;
    return is_lost ? lost(lease, parts_.now()) : outcome_of(*error);
  }
  std::optional<Instant> anchor;
  if (read_extend(answer->reply)) anchor = answer->sent;
  return upkeep_.extended(lease, ttl, anchor) == Status::kOk ? done() : lost(lease, parts_.now());
}

// A living waiter may be behind the dead ones that the server has dropped so far: then it is asked
// again, until `end`.
void Submissions::begin_break(const std::shared_ptr<Submission> &submission, Instant end) {
  const LockKeys keys = parts_.keys_of(submission->request);
  auto ended = completing(submission, [](const Answer *answer, const Unanswered *error) -> Error {
    if (answer == nullptr) return outcome_of(*error);
    if (read_release(answer->reply).owned || answer->asked_before) return done();
    return {Status::kNotOwner, "nobody holds it"};
  });
  auto answered = [this, keys, end, ended](const Answer *answer, const Unanswered *error) {
    if (answer != nullptr) drop_dead(keys, *answer, end);
    ended(answer, error);
  };
  requests::force_release(keys, parts_.asking(end, std::move(answered)));
}

void Submissions::drop_dead(const LockKeys &keys, const Answer &answer, Instant end) noexcept {
  try {
    if (!read_release(answer.reply).more) return;
    auto again = [this, keys, end](const Answer *next, const Unanswered *) {
      if (next != nullptr) drop_dead(keys, *next, end);
    };
    requests::force_release(keys, parts_.asking(end, std::move(again)));
  } catch (const std::exception &) {
    return;  // the next waiter that asks drops them
  }
}

void Submissions::begin_info(const std::shared_ptr<Submission> &submission) {
  auto answered = completing(submission, [=](const Answer *answer, const Unanswered *error) {
    if (answer == nullptr) return static_cast<Error>(*error);
    submission->info = read_info(answer->reply);
    return done();
  });
  requests::info(parts_.keys_of(submission->request),
                 parts_.asking(parts_.request_deadline(), std::move(answered)));
}

}  // namespace redilock
