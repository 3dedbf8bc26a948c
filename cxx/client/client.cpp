#include "client/client.hpp"

#include <algorithm>
#include <new>

#include "client/acquisition.hpp"
#include "lock/validity.hpp"
#include "values/name.hpp"
#include "values/process.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr Micros kUndoPause{250000};
constexpr Micros kShortestRetry{10000};
constexpr Micros kLongestRetry{1000000};

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
      service_(clock) {}

Client::~Client() {
  if (is_forked()) service_.forget();
}

bool Client::is_forked() const noexcept { return process_id() != owner_; }

void Client::check_usable() const {
  if (is_forked()) throw Error(Status::kForked, "the client belongs to the parent process");
  if (closed_.load()) throw Error(Status::kClosed, "the client was freed");
}

void Client::close() noexcept {
  if (is_forked()) return;
  closed_.store(true);
  service_.stop();
  server_.close();
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
  if (!lease.begin_release()) return Status::kNotOwner;
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
    if (anchor)
      lease.extended(*anchor, ttl, clock_.now());
    else
      lease.lost();
    return lease.state(clock_.now()) == Lease::State::kHeld ? Status::kOk : Status::kLost;
  } catch (const Unanswered &error) {
    if (lease.state(clock_.now()) == Lease::State::kLost) return Status::kLost;
    throw_outcome(error);
  }
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
                                     const Granted &granted) {
  auto lease = std::make_shared<Lease>(request.name, claim, granted.fence,
                                       lease_end(granted.anchor, claim.ttl),
                                       after(clock_.now(), request.max_hold));
  if (request.renew) renew(lease);
  return lease;
}

void Client::renew(const std::shared_ptr<Lease> &lease) {
  service_.at(after(clock_.now(), Micros(lease->claim().ttl) / 3),
              [this, lease](Interrupt &interrupt) { return renew_once(*lease, interrupt); });
}

// Extends a lease at a third of its ttl. What fails is tried again until the local deadline tells
// the loss.
std::optional<Instant> Client::renew_once(Lease &lease, Interrupt &interrupt) {
  const Claim &claim = lease.claim();
  const Millis ttl = lease.renewal_ttl(clock_.now());
  if (ttl == Millis(0)) return std::nullopt;
  try {
    const Limit limit = server_.request_limit(&interrupt).until(lease.end());
    auto anchor = commands_.extend(claim.keys, claim.token, ttl, limit);
    if (!anchor) {
      lease.lost();
      return std::nullopt;
    }
    lease.extended(*anchor, ttl, clock_.now());
    return after(*anchor, Micros(ttl) / 3);
  } catch (const std::exception &) {
    return after(clock_.now(), std::clamp(Micros(claim.ttl) / 10, kShortestRetry, kLongestRetry));
  }
}

// Takes back a claim whose outcome is not known. An abandoned request that the server would not end
// may still run, so then it is taken back again and again for one ttl. A place in the queue may
// stand for as long as others wait with this client, so a server that cannot be reached is asked
// until it can.
void Client::undo(const Claim &claim) noexcept {
  try {
    const Instant end = after(clock_.now(), claim.ttl);
    service_.at(clock_.now(), [this, claim, end](Interrupt &interrupt) {
      return undo_once(claim, end, interrupt);
    });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the lease runs out by itself
  }
}

std::optional<Instant> Client::undo_once(const Claim &claim, Instant end, Interrupt &interrupt) {
  bool done = false, asked = true;
  try {
    commands_.leave(claim, wake_.name(), server_.request_limit(&interrupt));
    done = server_.can_end_abandoned();
  } catch (const Error &error) {
    done = error.status() == Status::kCancelled;
    asked = error.status() != Status::kUnavailable;
  } catch (const std::bad_alloc &) {
    asked = false;
  }
  const Instant next = after(clock_.now(), kUndoPause);
  return !done && (!asked || next < end) ? std::optional<Instant>(next) : std::nullopt;
}

}  // namespace redilock
