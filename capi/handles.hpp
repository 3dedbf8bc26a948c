// What the opaque types of redilock.h are made of.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/client.hpp"
#include "client/failure.hpp"
#include "guard.hpp"
#include "redilock/redilock.h"
#include "values/options.hpp"

struct redilock_options {
  redilock::ClientOptions values = redilock::default_client_options();
  redilock::capi::Report failed_set;  // the first one
};

struct redilock_client {
  std::shared_ptr<redilock::Client> core;
};

struct redilock_op {
  std::shared_ptr<redilock::Client> core;
  redilock::RequestOptions request;
  const std::shared_ptr<redilock::Control> control = std::make_shared<redilock::Control>();
  redilock::capi::Report report;
  redilock::capi::Report failed_set;  // the first one since the last reset
  uint64_t set = 0;                   // a bit for each option that was set and not read since
  std::atomic<bool> busy{false};      // a call runs
  std::shared_ptr<redilock::Submission> submission;  // the last request, where it was submitted

  redilock::Call call() { return {&control->interrupt, &control->position}; }
  // A cancel counts for one call.
  void forget_cancel() noexcept {
    control->interrupt.notifier.silence();
    control->interrupt.cancelled.store(false);
  }
};

struct redilock_lock {
  std::shared_ptr<redilock::Client> core;
  std::shared_ptr<redilock::Lease> lease;
};

struct redilock_info {
  redilock::LockInfo info;
};

struct redilock_list {
  std::shared_ptr<redilock::Client> core;
  redilock::Interrupt interrupt;
  std::atomic<bool> busy{false};  // a call reads or changes what follows
  redilock::capi::Report report;
  std::string pattern = "*", cursor = "0";
  bool held_part = true, ended = false;  // the held names first, then those waited for
  std::vector<std::string> page;         // names that the server has sent
  std::set<std::string> returned;        // to the caller, who borrows the last
};

namespace redilock::capi {

// Whether a request that was submitted is under way, or its completion not yet taken.
inline bool is_submitted(const redilock_op *op) noexcept {
  return op->submission != nullptr && !op->submission->taken.load();
}

// Forgets the submitted request, which nobody will ask about any more.
inline void drop_submission(redilock_op *op) noexcept {
  if (op->submission && !op->core->is_forked()) op->core->abandon(*op->submission);
  op->submission.reset();
}

// One call of an operation, from begin to end. False if it may have none now, because another one
// runs or a submitted request is under way.
class OpCall {
 public:
  explicit OpCall(redilock_op *op) noexcept : op_(op) {
    if (op_ == nullptr || op_->busy.exchange(true)) {
      op_ = nullptr;
    } else if (is_submitted(op_)) {
      op_->busy.store(false);
      op_ = nullptr;
    }
  }
  ~OpCall() {
    if (op_ != nullptr) op_->busy.store(false);
  }
  OpCall(const OpCall &) = delete;
  OpCall &operator=(const OpCall &) = delete;
  explicit operator bool() const noexcept { return op_ != nullptr; }
  // Another thread may free it from now on.
  void forget() noexcept { op_ = nullptr; }

 private:
  redilock_op *op_;
};

// Refuses options that could not be set, or that were set for this call and that it does not read.
// A reader: what option_readers() calls the call.
void check_options(redilock_op *op, Readers reader);
// What a call on a lock reads in addition if it has no handle.
inline Readers by_token(const redilock_lock *lock) noexcept {
  return lock == nullptr ? readers::kByToken : 0;
}
// Gives the caller the lock, or says why not. `handle` was made before the request:
// afterwards nothing may fail.
Outcome hand_out(const redilock_op *op, AcquireResult acquired,
                 std::unique_ptr<redilock_lock> &handle, redilock_lock **out);
// Refuses a lock of another client, or of another name than the operation's, if it has one.
void check_lock(const redilock_op *op, const redilock_lock *lock);

// As guard, for the calls of an operation that block.
template <typename Body>
int32_t guard_op(redilock_op *op, Readers reader, Body body) noexcept {
  // In the child of a fork, a call of the parent never ends.
  if (op != nullptr && op->core->is_forked()) return REDILOCK_E_FORKED;
  const OpCall call(op);
  if (!call) return REDILOCK_E_INVALID;
  // A cancel that came before the call is meant for a wait or a look, not for what ends a lock.
  if ((reader & (readers::kAcquire | readers::kInfo | readers::kCheck)) == 0) op->forget_cancel();
  op->control->interrupt.on_signals = op->request.interruptible;
  drop_submission(op);
  const int32_t status = guard(op->report, [&] {
    check_options(op, reader | readers::kBlocking);
    return body();
  });
  if (status == REDILOCK_E_CANCELLED) op->forget_cancel();
  return status;
}

}  // namespace redilock::capi
