// Operations that are submitted, and their completions.
#include "handles.hpp"

using redilock::CompletionKind;
using redilock::Error;
using redilock::Readers;
using redilock::Status;
using redilock::capi::by_token;
using redilock::capi::check_lock;
using redilock::capi::check_options;
using redilock::capi::drop_submission;
using redilock::capi::guard;
using redilock::capi::hand_out;
using redilock::capi::is_submitted;
using redilock::capi::note;
using redilock::capi::OpCall;
using redilock::capi::require;
namespace readers = redilock::readers;

static_assert(REDILOCK_COMPLETION_ACQUIRE == static_cast<int>(CompletionKind::kAcquire) &&
              REDILOCK_COMPLETION_RELEASE == static_cast<int>(CompletionKind::kRelease) &&
              REDILOCK_COMPLETION_EXTEND == static_cast<int>(CompletionKind::kExtend) &&
              REDILOCK_COMPLETION_LOSS == static_cast<int>(CompletionKind::kLoss) &&
              REDILOCK_COMPLETION_BREAK == static_cast<int>(CompletionKind::kBreak) &&
              REDILOCK_COMPLETION_INFO == static_cast<int>(CompletionKind::kInfo) &&
              REDILOCK_COMPLETION_LOG == static_cast<int>(CompletionKind::kLog));

namespace {

// Once it is submitted, another thread may take its completion and free the operation: from there
// on nothing of `op` is touched.
int32_t hand_over(redilock_op *op, OpCall &call, std::shared_ptr<redilock::Submission> submission) {
  const auto core = op->core;
  redilock::capi::Report report;
  const int32_t status = guard(report, [&] {
    op->submission = submission;
    op->busy.store(false);
    core->submit(submission);
    return Status::kOk;
  });
  call.forget();
  if (status == REDILOCK_OK) return status;
  op->busy.store(false);
  op->submission.reset();
  op->report = std::move(report);
  return status;
}

int32_t submit(redilock_op *op, CompletionKind kind, Readers reader, redilock_lock *lock,
               uint64_t tag) {
  if (op != nullptr && op->core->is_forked()) return REDILOCK_E_FORKED;
  OpCall call(op);
  if (!call) return REDILOCK_E_INVALID;
  drop_submission(op);
  note(op->report, Status::kOk, "", false);
  if (kind != CompletionKind::kAcquire) op->forget_cancel();
  std::shared_ptr<redilock::Submission> submission;
  int32_t status = guard(op->report, [&] {
    check_options(op, reader);
    if (lock == nullptr && op->request.name.empty())
      throw Error(Status::kInvalid, "option \"name\" is required");
    if (lock != nullptr) check_lock(op, lock);
    submission = std::make_shared<redilock::Submission>(kind, op->request, tag, op->control);
    if (lock != nullptr) submission->lease = lock->lease;
    return Status::kOk;
  });
  if (status == REDILOCK_OK) status = hand_over(op, call, std::move(submission));
  return status;
}

}  // namespace

extern "C" {

int32_t redilock_op_submit_acquire(redilock_op_t *op, uint64_t tag) {
  return submit(op, CompletionKind::kAcquire, readers::kAcquire, nullptr, tag);
}

int32_t redilock_op_begin_acquire(redilock_op_t *op, uint64_t tag, redilock_lock_t **out) {
  if (out != nullptr) *out = nullptr;
  if (op != nullptr && op->core->is_forked()) return REDILOCK_E_FORKED;
  OpCall call(op);
  if (!call) return REDILOCK_E_INVALID;
  drop_submission(op);
  op->control->interrupt.on_signals = op->request.interruptible;
  std::shared_ptr<redilock::Submission> begun;
  int32_t status = guard(op->report, [&] {
    check_options(op, readers::kAcquire | readers::kBlocking);
    require(out != nullptr, "out");
    if (op->request.name.empty()) throw Error(Status::kInvalid, "option \"name\" is required");
    auto handle = std::make_unique<redilock_lock>();
    begun = std::make_shared<redilock::Submission>(CompletionKind::kAcquire, op->request, tag,
                                                   op->control);
    auto acquired = op->core->try_here(begun);
    const bool under_way = !acquired.lease && acquired.outcome.ok();
    if (!under_way) begun.reset();
    return hand_out(op, std::move(acquired), handle, out);
  });
  if (status == REDILOCK_OK && begun) status = hand_over(op, call, std::move(begun));
  if (status == REDILOCK_E_CANCELLED) op->forget_cancel();
  return status;
}

int32_t redilock_op_submit_release(redilock_op_t *op, redilock_lock_t *lock, uint64_t tag) {
  return submit(op, CompletionKind::kRelease, readers::kRelease | by_token(lock), lock, tag);
}

int32_t redilock_op_submit_extend(redilock_op_t *op, redilock_lock_t *lock, uint64_t tag) {
  return submit(op, CompletionKind::kExtend, readers::kExtend | by_token(lock), lock, tag);
}

int32_t redilock_op_submit_break(redilock_op_t *op, uint64_t tag) {
  return submit(op, CompletionKind::kBreak, readers::kBreak, nullptr, tag);
}

int32_t redilock_op_submit_info(redilock_op_t *op, uint64_t tag) {
  return submit(op, CompletionKind::kInfo, readers::kInfo, nullptr, tag);
}

int32_t redilock_op_take_info(redilock_op_t *op, redilock_info_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard([&] {
    require(op != nullptr, "op");
    require(out != nullptr, "out");
    op->core->check_owner();
    const auto &submission = op->submission;
    if (!submission || is_submitted(op) || submission->kind != CompletionKind::kInfo ||
        !submission->outcome.ok())
      throw Error(Status::kInvalid, "the operation has looked nothing up");
    auto info = std::make_unique<redilock_info>();
    info->info = submission->info;
    *out = info.release();
    return Status::kOk;
  });
}

int32_t redilock_op_take_lock(redilock_op_t *op, redilock_lock_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard([&] {
    require(op != nullptr, "op");
    require(out != nullptr, "out");
    const auto &submission = op->submission;
    op->core->check_owner();
    auto handle = std::make_unique<redilock_lock>();
    if (!submission || is_submitted(op) || submission->kind != CompletionKind::kAcquire ||
        !submission->lease || submission->lock_taken.exchange(true))
      throw Error(Status::kInvalid, "the operation has no lock to give");
    if (op->core->is_closed()) {
      op->core->drop(*submission->lease);
      throw redilock::client_closed();
    }
    try {
      op->core->keep(submission->lease, submission->request);
    } catch (...) {
      submission->lock_taken.store(false);
      throw;
    }
    handle->core = op->core;
    handle->lease = submission->lease;
    *out = handle.release();
    return Status::kOk;
  });
}

int32_t redilock_client_fd(redilock_client_t *client, int32_t *out) {
  if (out != nullptr) *out = -1;
  return guard([&] {
    require(client != nullptr, "client");
    require(out != nullptr, "out");
    client->core->check_owner();
    *out = client->core->completions().fd();
    return Status::kOk;
  });
}

int32_t redilock_client_next(redilock_client_t *client, uint64_t *tag, int32_t *kind,
                             int32_t *status) {
  if (kind != nullptr) *kind = 0;
  return guard([&] {
    require(client != nullptr, "client");
    require(tag != nullptr && kind != nullptr && status != nullptr, "tag, kind or status");
    client->core->check_owner();
    const bool is_finished = client->core->is_finished();  // before the last look
    const auto completion = client->core->completions().take();
    if (!completion && is_finished) throw redilock::client_closed();
    if (!completion) return Status::kOk;
    *tag = completion->tag;
    *kind = static_cast<int32_t>(completion->kind);
    *status = completion->kind == CompletionKind::kLoss ? REDILOCK_E_LOST : REDILOCK_OK;
    const auto &submission = completion->submission;
    if (!submission) return Status::kOk;
    *status = static_cast<int32_t>(submission->outcome.status());
    // A cancel that came too late is not meant for the next call.
    submission->control->interrupt.notifier.silence();
    submission->control->interrupt.cancelled.store(false);
    submission->taken.store(true);
    return Status::kOk;
  });
}

int32_t redilock_client_wait(redilock_client_t *client, int64_t timeout_ms) {
  return guard([&] {
    require(client != nullptr, "client");
    return std::shared_ptr(client->core)->wait_for_completion(redilock::checked_wait(timeout_ms));
  });
}

}  // extern "C"
