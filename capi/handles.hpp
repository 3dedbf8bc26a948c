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
  std::vector<std::pair<std::string, std::string>> values;  // in the order they were set
};

struct redilock_client {
  std::shared_ptr<redilock::Client> core;
};

struct redilock_op {
  std::shared_ptr<redilock::Client> core;
  redilock::RequestOptions request;
  redilock::Interrupt interrupt;
  std::atomic<int64_t> position{0};
  redilock::capi::Report report;

  redilock::Call call() { return {&interrupt, &position}; }
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

// As guard, for the calls of an operation: a cancel counts for one call.
template <typename Body>
int32_t guard_op(redilock_op *op, Body body) noexcept {
  if (op == nullptr) return REDILOCK_E_INVALID;
  op->interrupt.on_signals = op->request.interruptible;
  const int32_t status = guard(op->report, body);
  if (status == REDILOCK_E_CANCELLED) {
    op->interrupt.notifier.silence();
    op->interrupt.cancelled.store(false);
  }
  return status;
}

}  // namespace redilock::capi
