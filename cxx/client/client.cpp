#include "client/client.hpp"

#include <algorithm>

#include "client/calls.hpp"
#include "client/failure.hpp"
#include "client/server_check.hpp"
#include "values/name.hpp"
#include "values/process.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr std::string_view kCheckName = "redilock-check";

std::string glob_escaped(const std::string &text) {
  std::string escaped;
  for (char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

Client::Client(Endpoint endpoint, ClientOptions options, const Clock &clock)
    : owner_(process_id()),
      context_(std::move(endpoint), std::move(options), clock),
      keeper_(context_),
      beat_(context_),
      submissions_(context_, keeper_) {
  context_.wake.set_start_beats([this] { beat_.start(); });
  context_.wake.set_release_ended([this](const Claim &claim) { keeper_.rollback().undo(claim); });
  context_.event_loop.add(submissions_);  // what it asks is sent at once
  context_.event_loop.add(context_.pipeline);
  context_.event_loop.add(context_.wake);
  if (context_.options.log_notify) {
    context_.completions.keep_log();
    context_.telemetry.log.set_on_lines([this] { context_.completions.push_log(); });
  }
}

Client::~Client() { shut_down(); }

bool Client::is_forked() const noexcept { return process_id() != owner_; }

void Client::check_owner() const {
  if (is_forked()) throw Error(Status::kForked, "the client belongs to the parent process");
}

void Client::check_usable() const {
  check_owner();
  if (context_.running.is_closed()) throw client_closed();
}

bool Client::is_finished() const noexcept {
  return context_.running.is_closed() && submissions_.are_ended();
}

void Client::close() noexcept {
  if (is_forked() || !context_.running.close()) return;
  submissions_.give_back_untaken();
  context_.completions.stay_readable();
  context_.event_loop.wake();
}

void Client::shut_down() noexcept {
  if (is_forked() || shut_down_.exchange(true)) return;
  close();
  context_.running.wait_for_end();
  context_.event_loop.stop();
  submissions_.drop();
  context_.pipeline.close(Error(Status::kClosed, "was freed"));
  context_.completions.close();
  context_.wake.close();
  context_.router->close();
}

void Client::leave_to_parent() noexcept {
  static std::atomic<Client *> all_left{nullptr};  // known, and so no leak
  left_before_ = all_left.exchange(this);
  context_.event_loop.close_descriptors();
  context_.completions.close_descriptors();
  context_.pipeline.close_descriptors();
  context_.wake.close_descriptors();
  context_.router->close_if_unused();
}

Running::Entry Client::begin(const Call &call) {
  check_owner();
  return {context_.running, interrupt_of(call)};
}

Interrupt &Client::interrupt_of(const Call &call) {
  return call.interrupt != nullptr ? *call.interrupt : context_.running.closing();
}

WaitContext Client::limit_of(const Call &call) {
  return {context_.clock, context_.request_deadline(), &interrupt_of(call)};
}

AcquireResult Client::acquire(const RequestOptions &request, const Call &call) {
  std::shared_ptr<Lease> lease;
  Outcome outcome = outcome_of_call(request.name, "acquire", *context_.router, [&] {
    AcquireResult acquired = acquire_now(request, call);
    lease = std::move(acquired.lease);
    return std::move(acquired.outcome);
  });
  return {std::move(outcome), std::move(lease)};
}

// A waiter is notified by an interrupt of its own. A try without one saves the descriptor for it.
AcquireResult Client::acquire_now(const RequestOptions &request, const Call &call) {
  Interrupt own;
  own.on_signals = request.interruptible;
  const Call waiting{call.interrupt != nullptr ? call.interrupt : &own, call.position};
  const auto entry = begin(waiting);
  const bool plain = call.interrupt == nullptr && !request.interruptible;
  Interrupt &trying = plain ? context_.running.closing() : *waiting.interrupt;
  return BlockingAcquire(context_, keeper_, request, waiting, trying).run();
}

// One call on the caller's thread; `make` gives it once the client is known to be usable.
template <typename Make>
Outcome Client::run(const std::string &name, const char *verb, const Call &call, Make make) {
  return outcome_of_call(name, verb, *context_.router, [&] {
    const auto entry = begin(call);
    auto lock_call = make();
    return run(lock_call, limit_of(call));
  });
}

Outcome Client::run(LockCall &call, const WaitContext &limit) {
  if (auto ended = call.begin()) return std::move(*ended);
  context_.commands.run(call.machine(), limit.until(call.deadline(limit.deadline)));
  return call.end();
}

// Nobody can ask a closed client again, so it releases in the background what it cannot now.
Outcome Client::release(Lease &lease, const Call &call) {
  Outcome outcome =
      run(lease.name(), "release", call, [&] { return ReleaseLease(keeper_, lease); });
  if (outcome.status() != Status::kClosed) return outcome;
  keeper_.drop(lease);
  lease.failed("release", client_closed());
  return outcome;
}

Outcome Client::extend(Lease &lease, Millis ttl, const Call &call) {
  return run(lease.name(), "extend", call, [&] { return ExtendLease(keeper_, lease, ttl); });
}

Outcome Client::release_token(const RequestOptions &request, const Call &call) {
  return run(request.name, "release", call,
             [&] { return ReleaseToken(context_.claim_of(request)); });
}

Outcome Client::extend_token(const RequestOptions &request, const Call &call) {
  return run(request.name, "extend", call,
             [&] { return ExtendToken(context_.claim_of(request), request.ttl); });
}

Outcome Client::force_release(const RequestOptions &request, const Call &call) {
  return run(request.name, "break", call, [&] { return BreakLock(context_.keys_of(request)); });
}

Outcome Client::info(const RequestOptions &request, LockInfo &info, const Call &call) {
  return run(request.name, "look up", call,
             [&] { return LookUp(context_.keys_of(request), info); });
}

std::string Client::check(const RequestOptions &request, const Call &call) {
  const auto entry = begin(call);
  const std::string_view name = request.name.empty() ? kCheckName : std::string_view(request.name);
  try {
    return check_server(context_.server, {context_.options.prefix, name}, limit_of(call));
  } catch (const Error &error) {
    throw cannot("use the server", *context_.router, error);
  }
}

std::vector<std::string> Client::list(bool held, const std::string &pattern, std::string &cursor,
                                      const Call &call) {
  const auto entry = begin(call);
  const std::string &prefix = context_.options.prefix;
  const auto read_page = [&] {
    try {
      return context_.commands.list(held, glob_escaped(prefix) + pattern, cursor, limit_of(call));
    } catch (const Error &error) {
      throw cannot("list the locks", *context_.router, error);
    }
  };
  auto keys = read_page();
  // Others may give their keys any name; what cannot be a lock's is none.
  const auto is_no_lock = [&prefix](const std::string &key) {
    return key.size() <= prefix.size() || key.size() > kNameMax || is_reserved(key);
  };
  keys.erase(std::remove_if(keys.begin(), keys.end(), is_no_lock), keys.end());
  for (std::string &key : keys) key.erase(0, prefix.size());
  return keys;
}

AcquireResult Client::try_here(const std::shared_ptr<Submission> &submission) {
  const auto entry = begin({&submission->control->interrupt, nullptr});
  return submissions_.try_here(submission);
}

void Client::submit(const std::shared_ptr<Submission> &submission) {
  try {
    check_usable();
    submissions_.submit(submission);
  } catch (...) {
    submissions_.take_back(*submission);
    throw;
  }
}

void Client::abandon(Submission &submission) noexcept { submissions_.abandon(submission); }

void Client::cancel(Control &control) noexcept {
  control.interrupt.cancel();
  submissions_.cancel(control);
}

}  // namespace redilock
