// Operations: one request each, with options of its own, a way to cancel it, and the details of its
// end.
#include "handles.hpp"

using redilock::Error;
using redilock::Readers;
using redilock::Status;
using redilock::capi::by_token;
using redilock::capi::check_lock;
using redilock::capi::copy_text;
using redilock::capi::drop_submission;
using redilock::capi::guard;
using redilock::capi::guard_op;
using redilock::capi::hand_out;
using redilock::capi::is_submitted;
using redilock::capi::NoCancellation;
using redilock::capi::OpCall;
using redilock::capi::Report;
using redilock::capi::require;
using redilock::capi::require_length;
namespace readers = redilock::readers;

namespace {

// A failure counts until the next reset, because many callers do not look at it.
template <typename Value>
int32_t set(redilock_op *op, const char *name, Value value) {
  const OpCall call(op);
  if (!call) return REDILOCK_E_INVALID;
  Report report;
  const int32_t status = guard(report, [&] {
    require(name != nullptr, "the option's name");
    redilock::set_option(op->request, name, value());
    op->set |= uint64_t{1} << redilock::option_index(name);
    return Status::kOk;
  });
  if (status == REDILOCK_OK) return status;
  op->report = report;
  if (op->failed_set.status == REDILOCK_OK) op->failed_set = std::move(report);
  return status;
}

// How a submitted request ended, once its completion was taken.
const redilock::Outcome &ended(const redilock_op *op) {
  static const redilock::Outcome under_way;
  return is_submitted(op) ? under_way : op->submission->outcome;
}

void require_name(const redilock_op *op) {
  if (op->request.name.empty()) throw Error(Status::kInvalid, "option \"name\" is required");
}

}  // namespace

namespace redilock::capi {

void check_options(redilock_op *op, Readers reader) {
  if (op->failed_set.status != REDILOCK_OK)
    throw Error(static_cast<Status>(op->failed_set.status), op->failed_set.message);
  for (size_t i = 0; op->set >> i != 0; ++i) {
    const Option &option = *option_at(i);
    if ((op->set >> i & 1) == 0 || (option.readers & reader) != 0) continue;
    throw Error(Status::kInvalid, std::string(option.name) + ": this call does not read it, only " +
                                      option_readers(option));
  }
  op->set = 0;
}

Outcome hand_out(const redilock_op *op, AcquireResult acquired,
                 std::unique_ptr<redilock_lock> &handle, redilock_lock **out) {
  if (!acquired.lease) return std::move(acquired.outcome);
  handle->core = op->core;
  handle->lease = std::move(acquired.lease);
  *out = handle.release();
  return {};
}

void check_lock(const redilock_op *op, const redilock_lock *lock) {
  if (lock->core != op->core) throw Error(Status::kInvalid, "lock belongs to a different client");
  if (!op->request.name.empty() && op->request.name != lock->lease->name())
    throw Error(Status::kInvalid, "name: it is not that of the lock");
}

}  // namespace redilock::capi

extern "C" {

int32_t redilock_op_new(redilock_client_t *client, redilock_op_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard([&] {
    require(client != nullptr, "client");
    require(out != nullptr, "out");
    client->core->check_usable();
    auto op = std::make_unique<redilock_op>();
    op->core = client->core;
    op->request = client->core->options().request;
    *out = op.release();
    return Status::kOk;
  });
}

void redilock_op_free(redilock_op_t *op) {
  const NoCancellation uncancelled;
  std::unique_ptr<redilock_op> owner(op);
  if (op != nullptr) drop_submission(op);
}

int32_t redilock_op_set(redilock_op_t *op, const char *name, const char *value) {
  if (op == nullptr || value == nullptr) return REDILOCK_E_INVALID;
  return set(op, name, [&] { return std::string_view(value); });
}

int32_t redilock_op_set_bytes(redilock_op_t *op, const char *name, const char *value,
                              size_t value_len) {
  if (op == nullptr || value == nullptr) return REDILOCK_E_INVALID;
  return set(op, name, [&] {
    require_length("value", value_len, redilock::capi::kValueMax);
    return std::string_view(value, value_len);
  });
}

int32_t redilock_op_set_int(redilock_op_t *op, const char *name, int64_t value) {
  return set(op, name, [&] { return value; });
}

int32_t redilock_op_acquire(redilock_op_t *op, redilock_lock_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard_op(op, readers::kAcquire, [&] {
    require(out != nullptr, "out");
    require_name(op);
    auto handle = std::make_unique<redilock_lock>();
    return hand_out(op, op->core->acquire(op->request, op->call()), handle, out);
  });
}

int32_t redilock_op_attach(redilock_op_t *op, redilock_lock_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard_op(op, readers::kAttach, [&] {
    require(out != nullptr, "out");
    require_name(op);
    auto handle = std::make_unique<redilock_lock>();
    return hand_out(op, op->core->attach(op->request, op->call()), handle, out);
  });
}

int32_t redilock_op_release(redilock_op_t *op, redilock_lock_t *lock) {
  return guard_op(op, readers::kRelease | by_token(lock), [&] {
    if (lock != nullptr) {
      check_lock(op, lock);
      return lock->core->release(*lock->lease, op->call());
    }
    require_name(op);
    return op->core->release_token(op->request, op->call());
  });
}

int32_t redilock_op_extend(redilock_op_t *op, redilock_lock_t *lock) {
  return guard_op(op, readers::kExtend | by_token(lock), [&] {
    if (lock != nullptr) {
      check_lock(op, lock);
      return lock->core->extend(*lock->lease, op->request.ttl, op->call());
    }
    require_name(op);
    return op->core->extend_token(op->request, op->call());
  });
}

int32_t redilock_op_break(redilock_op_t *op) {
  return guard_op(op, readers::kBreak, [&] {
    require_name(op);
    return op->core->force_release(op->request, op->call());
  });
}

int32_t redilock_op_info(redilock_op_t *op, redilock_info_t **out) {
  if (out != nullptr) *out = nullptr;
  return guard_op(op, readers::kInfo, [&] {
    require(out != nullptr, "out");
    require_name(op);
    auto info = std::make_unique<redilock_info>();
    redilock::Outcome outcome = op->core->info(op->request, info->info, op->call());
    if (outcome.ok()) *out = info.release();
    return outcome;
  });
}

int32_t redilock_op_check(redilock_op_t *op) {
  return guard_op(op, readers::kCheck, [&] { return op->core->check(op->request, op->call()); });
}

void redilock_op_cancel(redilock_op_t *op) {
  const NoCancellation uncancelled;
  if (op == nullptr || op->core->is_forked()) return;
  op->core->cancel(*op->control);
}

void redilock_op_reset(redilock_op_t *op) {
  const NoCancellation uncancelled;
  const OpCall call(op);
  if (!call) return;
  op->forget_cancel();
  op->report = op->failed_set = {};
  op->set = 0;
  drop_submission(op);
}

int32_t redilock_op_status(const redilock_op_t *op) {
  if (op == nullptr) return REDILOCK_E_INVALID;
  return op->submission ? static_cast<int32_t>(ended(op).status()) : op->report.status;
}

size_t redilock_op_message(const redilock_op_t *op, char *buffer, size_t size) {
  if (op == nullptr) return copy_text("", buffer, size);
  return copy_text(op->submission ? ended(op).message() : op->report.message.c_str(), buffer, size);
}

int32_t redilock_op_retriable(const redilock_op_t *op) {
  if (op == nullptr) return 0;
  return (op->submission ? ended(op).retriable() : op->report.retriable) ? 1 : 0;
}

int64_t redilock_op_position(const redilock_op_t *op) {
  if (op == nullptr) return 0;
  return op->control->position.load();
}

}  // extern "C"
