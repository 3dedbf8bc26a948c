// One acquire, from its first request to its single outcome, as a machine: it is told what happened
// and says what to do next. Blocking calls and the service thread drive the same one. No I/O.
#pragma once

#include <optional>

#include "lock/replies.hpp"
#include "values/statistics.hpp"
#include "values/status.hpp"

namespace redilock {

// A grant that was pushed, and the local time from which its lease surely counts; without that time
// it must be re-checked.
struct PushedGrant {
  int64_t fence;
  std::optional<Instant> anchor;
};

class AcquireMachine {
 public:
  enum class Step {
    kTry,        // ask without a place in the queue
    kSubscribe,  // have the wake channel subscribed
    kQueue,      // ask, and join or stay in the queue
    kWait,       // until a push, the next re-check, or the end of the wait
    kLeave,      // give up the place, and hand on a grant that came meanwhile
    kDone
  };

  // How much longer than the wait itself a request under way may keep the caller.
  static constexpr Micros kGrace{1000000};
  // `wait` negative: for ever. `timeout`: for one request; `patience`: for the first place in the
  // queue, or a try.
  AcquireMachine(Claim claim, Instant start, Millis wait, Millis timeout, Millis patience);

  // The first step of a call that blocks: whether the wake channel is subscribed already. If not, a
  // lock that is free is had without it.
  void begin(bool subscribed);
  // The first step of one among many that must keep their order: none tries past those that queue.
  void begin_in_order();
  Step step() const noexcept { return step_; }
  // By when the request of this step has to be answered; for kWait, the end of the wait.
  Instant step_end(Instant now) const;

  // The next request asks to queue under this channel. Call before it is sent.
  void queues_under(const std::string &channel);
  // Whether it may have a place under another channel, which it has to leave first.
  bool is_queued_elsewhere(const std::string &channel) const noexcept;

  // What the request of kTry or kQueue came to.
  void replied(const AcquireReply &reply, Instant now);
  // A step failed; `sent` if the server may have executed its request all the same. Returns whether
  // the waiter keeps its place, and asks again later.
  bool failed(const Error &error, bool sent);
  void subscribed();
  // In kWait: a grant was pushed; the wait list wants the server to be asked; or nothing but time
  // passed. pushed() returns false if the server has to confirm the grant: it is of uncertain age,
  // or little of its lease is left.
  bool pushed(const PushedGrant &push, Instant now);
  void due();
  void passed(Instant now);
  // The caller wants no lock any more; takes effect at once, or when the request under way is
  // answered.
  void stop(const Error &why);
  void left();

  const Claim &claim() const noexcept { return claim_; }
  // Whether a request of kTry names all keys, because the server has asked for them.
  bool with_all_keys() const noexcept { return with_all_keys_; }
  // Whether it has a place in the queue, as far as it was told.
  bool queued() const noexcept { return queued_; }

  // Once done: the grant; only without one, why.
  const std::optional<Granted> &grant() const noexcept { return grant_; }
  const Error &why() const noexcept { return *why_; }
  // The same for the caller: with who holds the lock and for how long, and the place in the queue,
  // as last seen; and with a remark if the client polls.
  Error why(bool polls, Instant now) const noexcept;
  // Whether something may be left on the server that has to be taken back.
  bool must_undo() const noexcept { return undo_; }
  // Counts how it came out for the caller.
  void count(Statistics &statistics, Status outcome) const noexcept;

 private:
  void granted(const Granted &granted, Instant now);
  void give_up(Error why);
  void finish();
  void refuse(Error why);
  void holder_seen(const std::string &holding, std::optional<Millis> holder_ttl, Instant now);
  std::string holder(Instant now) const;
  std::string place() const;
  Error described(Instant now) const;

  // What the server's last refusal said.
  struct Refusal {
    std::string holding;  // "" for a free lock
    Instant seen;
    Instant end;  // of the holder's lease; kNever for one without an end
    std::optional<int64_t> ahead;
  };

  Claim claim_;
  const Instant start_;
  const Millis wait_;
  const bool try_only_;
  const Instant wait_end_;
  const Instant patience_;  // for the first place in the queue
  const Millis timeout_;
  Step step_ = Step::kTry;
  bool with_all_keys_ = false;
  bool asked_ = false;  // a request to queue may have reached the server
  bool queued_ = false;
  bool stopping_ = false;
  bool timed_out_ = false;
  bool undo_ = false;
  int slow_grants_ = 0;
  std::optional<Granted> grant_;
  Instant granted_at_{};
  std::optional<Refusal> refusal_;
  std::optional<Error> missed_;  // why the last request of a waiter got no reply
  std::optional<Error> why_;     // once it leaves or is done without a grant
};

}  // namespace redilock
