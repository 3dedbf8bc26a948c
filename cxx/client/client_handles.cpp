// What a client does for the handles of locks that are held: renew, watch, drop and attach them;
// and for those who wait for completions.
#include <poll.h>

#include <atomic>
#include <list>

#include "client/client.hpp"
#include "client/failure.hpp"
#include "lock/validity.hpp"
#include "values/finally.hpp"
#include "values/status.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr uint64_t kWatchBegins = ~uint64_t{0};  // names no task

}  // namespace

// The fence is not known here: only the process that acquired has it.
AcquireResult Client::attach(const RequestOptions &request, const Call &call) {
  std::shared_ptr<Lease> lease;
  Outcome outcome =
      outcome_of_call(request.name, "attach to it", *context_.router, [&]() -> Outcome {
        const auto entry = begin(call);
        if (!is_token(request.token)) return no_token();
        const Claim claim = context_.claim_of(request);
        ExtendMachine extension(claim, request.ttl);
        context_.commands.run(extension, limit_of(call));
        if (extension.failure()) return outcome_of(*extension.failure());
        if (!extension.anchor()) return no_token();
        lease = keeper_.lease(request, claim, {0, *extension.anchor()});
        keeper_.keep(lease, request);
        if (lease->state(context_.now()) != Lease::State::kHeld)
          return lost(*lease, context_.now());
        return {};
      });
  if (!outcome.ok()) lease.reset();
  return {std::move(outcome), std::move(lease)};
}

std::string Client::message(Lease &lease) const {
  const Error said(Status::kLost, is_forked() ? "the client belongs to the parent process"
                                              : lease.message(context_.now()));
  return said.message().empty() ? "" : on_lock(lease.name(), said).message();
}

void Client::let_go(Lease &lease) noexcept {
  if (!is_forked()) keeper_.let_go(lease);
}

Status Client::wait_for_completion(Millis most) {
  check_owner();
  // A task, not a call: a close ends it by the descriptor, and its completions still count.
  const Running::Entry entry(context_.running);
  const Instant end = most == kForever ? kNever : after(context_.now(), most);
  if (!context_.running.is_closed() && wait_until_ready(context_.completions.fd(), POLLIN,
                                                        {context_.clock, end}) == Ready::kDeadline)
    return Status::kTimeout;
  if (!context_.running.is_closed()) return Status::kOk;
  // The descriptor of a closed client is always readable.
  const auto has_completion = [this] { return !context_.completions.is_empty(); };
  if (!context_.running.wait_for(end - context_.now(),
                                 [&] { return has_completion() || is_finished(); }))
    return Status::kTimeout;
  if (!has_completion()) throw client_closed();
  return Status::kOk;
}

void Client::keep(const std::shared_ptr<Lease> &lease, const RequestOptions &request) {
  keeper_.keep(lease, request);
}

void Client::watch(const std::shared_ptr<Lease> &lease, uint64_t tag) {
  check_usable();
  uint64_t none = 0;
  if (!lease->watch_task.compare_exchange_strong(none, kWatchBegins))
    throw Error(Status::kInvalid, "the lock is watched already");
  try {
    auto loss = std::make_shared<std::list<Completion>>();
    loss->push_back({CompletionKind::kLoss, tag, nullptr, lease});
    lease->watch_task = keeper_.watch(lease, [this, loss](bool lost) {
      if (lost) context_.completions.push(*loss);
    });
  } catch (...) {
    lease->watch_task = 0;
    throw;
  }
}

// What the service thread does at the end of the lease may come after this call, so it owns what it
// needs.
Status Client::wait_for_loss(const std::shared_ptr<Lease> &lease, Millis most) {
  struct Waiting {
    Interrupt interrupt;
    std::atomic<int32_t> end{0};
  };
  const auto waiting = std::make_shared<Waiting>();
  const auto entry = begin({&waiting->interrupt, nullptr});
  const uint64_t watch = keeper_.watch(lease, [waiting](bool lost) {
    waiting->end = static_cast<int32_t>(lost ? Status::kLost : Status::kNotOwner);
    waiting->interrupt.notifier.ring();
  });
  Finally left([&] { keeper_.forget(watch); });
  if (lease->release_begun()) return Status::kNotOwner;
  if (lease->is_lost(context_.now())) return Status::kLost;
  const Instant end = most == kForever ? kNever : after(context_.now(), most);
  while (waiting->end == 0)
    if (wait_until_ready(-1, 0, {context_.clock, end, &waiting->interrupt}) == Ready::kDeadline)
      return Status::kTimeout;
  return static_cast<Status>(waiting->end.load());
}

void Client::drop(Lease &lease) noexcept {
  if (!is_forked()) keeper_.drop(lease);
}

}  // namespace redilock
