#include "client/client.hpp"

#include <algorithm>
#include <new>

#include "client/acquisition.hpp"
#include "client/async_acquire.hpp"
#include "lock/validity.hpp"
#include "values/name.hpp"
#include "values/process.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

// An unanswered request that may have been carried out has an unknown outcome.
[[noreturn]] void throw_outcome(const Unanswered &error) {
  if (!error.sent() || error.status() != Status::kUnavailable) throw Error(error);
  throw Error(Status::kUnknown, error.message() + "; it may have been carried out", true);
}

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
      clock_(clock),
      options_(std::move(options)),
      server_(std::move(endpoint), options_, clock),
      commands_(server_),
      wake_(server_, wake_channel(ids_.next()), options_.interval),
      pipeline_(server_),
      service_(clock) {
  wake_.set_service([this] { service_.wake(); });
  service_.attend(pipeline_);
  service_.attend(wake_);
  service_.attend(*this);
}

Client::~Client() { close(); }

bool Client::is_forked() const noexcept { return process_id() != owner_; }

void Client::check_usable() const {
  if (is_forked()) throw Error(Status::kForked, "the client belongs to the parent process");
  if (closed_.load()) throw Error(Status::kClosed, "the client was freed");
}

void Client::close() noexcept {
  if (is_forked()) return;
  closed_.store(true);
  service_.stop();
  for (const auto &[control, acquire] : acquiring_) acquire->drop();
  acquiring_.clear();
  pipeline_.fail_all(Error(Status::kClosed, "was freed"));
  completions_.close();
  wake_.close();
  server_.close();
}

void Client::leave_to_parent() noexcept {
  static std::atomic<Client *> all_left{nullptr};  // known, and so no leak
  left_before_ = all_left.exchange(this);
  service_.close_descriptors();
  completions_.close_descriptors();
  pipeline_.close_descriptors();
  wake_.close_descriptors();
  server_.close_if_unused();
}

LockKeys Client::keys_of(const RequestOptions &request) const {
  return {options_.prefix, request.name};
}

Acquired Client::acquire(const RequestOptions &request, const Call &call) {
  check_usable();
  return Acquisition(*this, request, call).run();
}

Status Client::release(Lease &lease, const Call &call) {
  check_usable();
  if (!begin_release(lease)) return Status::kNotOwner;
  const Claim &claim = lease.claim();
  const Limit limit = server_.request_limit(call.interrupt);
  try {
    // After a loss of the grant a re-check that ran late may have queued the token again.
    const bool owned = (claim.queued ? commands_.leave(claim, wake_.name(), limit)
                                     : commands_.release(claim.keys, claim.token, limit)) ||
                       lease.release_was_ambiguous();
    lease.released();
    return owned ? Status::kOk : Status::kLost;
  } catch (const Unanswered &error) {
    lease.release_failed(error.sent());
    if (error.sent()) undo(claim);
    throw_outcome(error);
  } catch (const Error &) {
    lease.release_failed(false);
    throw;
  } catch (...) {  // for want of memory, perhaps of the reply's
    lease.release_failed(true);
    undo(claim);
    throw;
  }
}

Status Client::extend(Lease &lease, Millis ttl, const Call &call) {
  check_usable();
  const Lease::State state = lease.state(clock_.now());
  if (state == Lease::State::kReleased) return Status::kNotOwner;
  if (state == Lease::State::kLost) return Status::kLost;
  try {
    const Limit limit = server_.request_limit(call.interrupt).until(lease.end());
    auto anchor = commands_.extend(lease.claim().keys, lease.claim().token, ttl, limit);
    return check_extend(lease, ttl, anchor);
  } catch (const Unanswered &error) {
    if (lease.state(clock_.now()) == Lease::State::kLost) return Status::kLost;
    throw_outcome(error);
  }
}

Status Client::check_extend(Lease &lease, Millis ttl, std::optional<Instant> anchor) {
  if (anchor)
    lease.extended(*anchor, ttl, clock_.now());
  else
    lease.lost();
  return lease.state(clock_.now()) == Lease::State::kHeld ? Status::kOk : Status::kLost;
}

Status Client::release_token(const RequestOptions &request, const Call &call) {
  check_usable();
  const LockKeys keys = keys_of(request);
  if (!is_token(request.token)) return Status::kNotOwner;  // never a foreign holder's value
  try {
    const Limit limit = server_.request_limit(call.interrupt);
    return commands_.release(keys, request.token, limit) ? Status::kOk : Status::kNotOwner;
  } catch (const Unanswered &error) {
    throw_outcome(error);
  }
}

Status Client::extend_token(const RequestOptions &request, const Call &call) {
  check_usable();
  const LockKeys keys = keys_of(request);
  if (!is_token(request.token)) return Status::kNotOwner;
  try {
    const Limit limit = server_.request_limit(call.interrupt);
    return commands_.extend(keys, request.token, request.ttl, limit) ? Status::kOk
                                                                     : Status::kNotOwner;
  } catch (const Unanswered &error) {
    throw_outcome(error);
  }
}

Status Client::force_release(const RequestOptions &request, const Call &call) {
  check_usable();
  try {
    const Limit limit = server_.request_limit(call.interrupt);
    return commands_.force_release(keys_of(request), limit) ? Status::kOk : Status::kNotOwner;
  } catch (const Unanswered &error) {
    throw_outcome(error);
  }
}

LockInfo Client::info(const RequestOptions &request, const Call &call) {
  check_usable();
  return commands_.info(keys_of(request), server_.request_limit(call.interrupt));
}

std::vector<std::string> Client::list(bool held, const std::string &pattern, std::string &cursor,
                                      const Call &call) {
  check_usable();
  auto keys = commands_.list(held, glob_escaped(options_.prefix) + pattern, cursor,
                             server_.request_limit(call.interrupt));
  // Others may give their keys any name; what cannot be a lock's is none.
  const auto is_no_lock = [this](const std::string &key) {
    return key.size() <= options_.prefix.size() || key.size() > kNameMax || is_reserved(key);
  };
  keys.erase(std::remove_if(keys.begin(), keys.end(), is_no_lock), keys.end());
  for (std::string &key : keys) key.erase(0, options_.prefix.size());
  return keys;
}

Claim Client::claim(const RequestOptions &request) {
  return {keys_of(request), make_token(ids_.next(), request.label), request.ttl, request.fence};
}

std::shared_ptr<Lease> Client::lease(const RequestOptions &request, const Claim &claim,
                                     const Granted &granted,
                                     const std::shared_ptr<Submission> &teller) {
  auto lease = std::make_shared<Lease>(request.name, claim, granted.fence,
                                       lease_end(granted.anchor, claim.ttl),
                                       after(clock_.now(), request.max_hold));
  if (request.renew) renew(lease, teller);
  return lease;
}

}  // namespace redilock
