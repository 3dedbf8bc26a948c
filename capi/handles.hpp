// What the opaque types of redilock.h are made of.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/client.hpp"
#include "guard.hpp"
#include "redilock/redilock.h"

struct redilock_options {
  redilock::ClientOptions values = redilock::default_client_options();
};

struct redilock_client {
  std::shared_ptr<redilock::Client> core;
};

struct redilock_op {
  std::shared_ptr<redilock::Client> core;
  redilock::RequestOptions request;
  const std::shared_ptr<redilock::Control> control = std::make_shared<redilock::Control>();
  redilock::capi::Report report;
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
  redilock_op *op = nullptr;
  std::string pattern, cursor = "0", current;
  bool held_part = true, ended = false;  // the held names first, then those waited for
  std::deque<std::string> page;
  std::set<std::string> told;
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

// Makes the operation ready for its next call; false where it may have none now.
inline bool begin_call(redilock_op *op) noexcept {
  if (op == nullptr || is_submitted(op)) return false;
  op->control->interrupt.on_signals = op->request.interruptible;
  drop_submission(op);
  return true;
}

// As guard, for the calls of an operation that block.
template <typename Body>
int32_t guard_op(redilock_op *op, Body body) noexcept {
  if (!begin_call(op)) return REDILOCK_E_INVALID;
  const int32_t status = guard(op->report, body);
  if (status == REDILOCK_E_CANCELLED) op->forget_cancel();
  return status;
}

}  // namespace redilock::capi
