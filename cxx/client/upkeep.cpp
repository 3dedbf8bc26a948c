// What a client does in the background, on the service thread and without waiting: renewals,
// telling of losses, and taking back claims whose outcome is not known.
#include <algorithm>

#include "client/async_acquire.hpp"
#include "client/client.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr Micros kUndoPause{250000};
constexpr Micros kShortestRetry{10000};
constexpr Micros kLongestRetry{1000000};

}  // namespace

// One lease that is kept up. What an answer leads to takes no memory.
struct Client::Renewal {
  std::shared_ptr<Lease> lease;
  std::shared_ptr<Submission> teller;
  Instant next;
  bool asking = false;
};

void Client::renew(const std::shared_ptr<Lease> &lease, const std::shared_ptr<Submission> &teller) {
  const Instant first = after(clock_.now(), Micros(lease->claim().ttl) / 3);
  auto renewal = std::make_shared<Renewal>(Renewal{lease, teller, first});
  lease->renewal_task = service_.at(first, [this, renewal] { return renew_once(renewal); });
}

// Extends a lease at a third of its ttl. What fails is tried again until the local deadline tells
// the loss.
std::optional<Instant> Client::renew_once(const std::shared_ptr<Renewal> &renewal) {
  const Lease &lease = *renewal->lease;
  const Claim &claim = lease.claim();
  const Instant now = clock_.now();
  if (now < renewal->next) return renewal->next;
  const Millis ttl = lease.renewal_ttl(now);
  if (ttl == Millis(0)) return std::nullopt;
  renewal->next = after(now, std::clamp(Micros(claim.ttl) / 10, kShortestRetry, kLongestRetry));
  if (renewal->asking) return renewal->next;
  const Instant end = std::min(after(now, options_.timeout), lease.end());
  auto done = [this, renewal, ttl](const Answer *answer, const Unanswered *) {
    renewal->asking = false;
    if (answer != nullptr) renewed(*renewal, ttl, *answer);
  };
  requests::extend(claim.keys, claim.token, ttl,
                   [&](const Script &script, const Command &keys, const Command &arguments) {
                     pipeline_.ask(script, keys, arguments, end, done);
                   });
  renewal->asking = true;
  return renewal->next;
}

void Client::renewed(Renewal &renewal, Millis ttl, const Answer &answer) {
  try {
    if (read_extend(answer.reply)) {
      renewal.lease->extended(answer.sent, ttl, clock_.now());
      renewal.next = after(answer.sent, Micros(ttl) / 3);
      return;
    }
    renewal.lease->lost();
    if (renewal.teller && renewal.lease->is_lost(clock_.now()))
      completions_.push(renewal.teller->loss, renewal.teller);
  } catch (const Error &) {
    return;  // it was not understood; the next may be
  }
}

// Looks at a lease when it would end, and before that as often as it is renewed.
void Client::watch(const std::shared_ptr<Submission> &submission) {
  auto look = [this, submission]() -> std::optional<Instant> {
    const Lease &lease = *submission->lease;
    const Instant now = clock_.now();
    if (lease.is_let_go() || lease.release_begun()) return std::nullopt;
    if (lease.is_lost(now)) {
      completions_.push(submission->loss, submission);
      return std::nullopt;
    }
    return std::min(after(now, Micros(lease.claim().ttl) / 3 + kShortestRetry), lease.end());
  };
  submission->lease->watch_task = service_.at(clock_.now(), std::move(look));
}

void Client::let_go(Lease &lease) noexcept {
  lease.let_go();
  if (!is_forked()) end_upkeep(lease);
}

bool Client::begin_release(Lease &lease) noexcept {
  if (!lease.begin_release()) return false;
  end_upkeep(lease);
  return true;
}

// What is not needed any more goes at once, rather than when it would be due: of a long ttl that
// could be hours, and thousands of leases.
void Client::end_upkeep(const Lease &lease) noexcept {
  service_.cancel(lease.renewal_task);
  service_.cancel(lease.watch_task);
}

// A claim whose outcome is not known, to be taken back until it surely has been. An abandoned
// request that the server would not end may still run, so then it is taken back again and again for
// one ttl. A place in the queue may stand for as long as others wait with this client, so a server
// that cannot be reached, or is in a state that passes, is asked until it answers.
struct Client::Undo {
  Claim claim;
  Instant end;
  bool asking = false;
  bool done = false;
};

void Client::undo(const Claim &claim) noexcept {
  try {
    auto undo = std::make_shared<Undo>(Undo{claim, after(clock_.now(), claim.ttl)});
    service_.at(clock_.now(), [this, undo] { return undo_once(undo); });
  } catch (const std::exception &) {
    return;  // no thread, no memory, or closing: the lease runs out by itself
  }
}

std::optional<Instant> Client::undo_once(const std::shared_ptr<Undo> &undo) {
  if (undo->done) return std::nullopt;
  const Instant next = after(clock_.now(), kUndoPause);
  if (undo->asking) return next;
  auto done = [this, undo](const Answer *answer, const Unanswered *error) {
    undo->asking = false;
    undo->done = undone(*undo, answer, error);
  };
  requests::leave(undo->claim, wake_.name(),
                  [&](const Script &script, const Command &keys, const Command &arguments) {
                    pipeline_.ask(script, keys, arguments, after(clock_.now(), options_.timeout),
                                  done);
                  });
  undo->asking = true;
  return next;
}

// Whether it needs no more asking.
bool Client::undone(const Undo &undo, const Answer *answer, const Unanswered *error) const {
  const bool over = after(clock_.now(), kUndoPause) >= undo.end;
  try {
    if (answer == nullptr) return !error->retriable() && over;
    const bool more = read_release(answer->reply).more;
    return over || (!more && server_.can_end_abandoned());
  } catch (const Error &) {
    return over;  // it was not understood; the next may be
  }
}

}  // namespace redilock
