// The wake channel: one subscribed connection for all the waits of a client. One of the waiting
// threads reads it while the others sleep. A thread that stops reading wakes another one; no thread
// keeps the reader's role across a return. If pub/sub does not reach the client, it polls instead.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lock/acquire_machine.hpp"
#include "lock/push.hpp"
#include "lock/validity.hpp"
#include "lock/wait_list.hpp"
#include "values/token.hpp"
#include "wire/pollable.hpp"
#include "wire/reconnecting_connection.hpp"

namespace redilock {

// One that waits for one lock: a thread that blocks, which its interrupt wakes; or what the service
// thread does for an asynchronous operation.
struct Wait final : Waiter {
  Wait(const Claim &claim, Interrupt *how)
      : Waiter(std::string(token_id(claim.token)), claim.keys.lock(), claim.ttl), interrupt(how) {}

  Interrupt *interrupt;             // null: looked after by the service thread
  std::function<void()> on_notify;  // what the service thread does when it is notified
  Wait *next_roused = nullptr;
  bool notified = false;  // something changed that it should look at

  // Whether a grant ended before the server's last reply that this waiter is queued: the server
  // lost data, the lock was broken, or a join was sent twice.
  bool is_over(const Push &grant) const {
    return grant.fence <= arrival || grant.server_us < queued_us;
  }

  int64_t queued_us = 0;  // the server's time in that reply
  std::optional<Push> push;
  Instant pushed_at{};
};

class WakeChannel final : public Pollable {
 public:
  WakeChannel(Server &server, const std::string &client_id, Micros interval);

  // The channel that requests name: the one that is subscribed, or that of a client which polls.
  const std::string &name() const noexcept { return polls_ ? poll_name_ : wake_name_; }
  // Whether pub/sub does not reach this client, so that it polls.
  bool polls() const noexcept { return polls_; }
  // That nobody was subscribed within this time, and why.
  Error not_subscribed(Micros span);
  // Whether requests may name it, as far as can be told without waiting.
  bool ready();
  // Subscribes, or waits until another thread has. Throws Error.
  void subscribe(Wait &wait, const WaitContext &limit);

  void add(Wait &wait);
  void remove(Wait &wait) noexcept;
  // On the service thread, which looks after the wait of a caller from now on.
  void take_over(Wait &wait) noexcept;
  bool has_places();

  // The replies to joins and re-checks, and their failures; `sent` as in Unanswered.
  void answered(Wait &wait, const Queued &queued);
  void granted(Wait &wait);
  void failed(Wait &wait, bool sent);
  // The same of beats.
  void beat_answered(const BeatReply &reply);
  void beat_missed();
  Instant due(const Wait &wait);
  std::optional<PushedGrant> take_push(Wait &wait);
  // The server has to confirm the grant: the waiter asks soon.
  void doubt(Wait &wait);

  // A token that was in the queue has ended: it was released, left or is rolled back. A grant that
  // is pushed for it nevertheless goes to `release_ended`, which must not call the channel.
  void remember_ended(const Claim &claim) noexcept;
  void set_release_ended(std::function<void(const Claim &)> release) {
    release_ended_ = std::move(release);
  }
  // `start_beats` is called when a waiter has waited long enough for its record to need renewal.
  void set_start_beats(std::function<void()> start) { start_beats_ = std::move(start); }

  // For the service thread: whether it is subscribed now; if not, this wait is notified at each
  // attempt, in the order of these calls.
  bool subscribed_or_notified(Wait &wait);
  // Why the last attempt to subscribe failed, if it did and nothing but a change at the server
  // would help.
  std::optional<Error> refusal();

  // Sleeps until the wait was notified or `until` has come, and reads the channel if nobody else
  // does. Throws Error(kCancelled), Error(kInterrupted), or why the server will not let us
  // subscribe.
  void sleep(Wait &wait, Instant until);

  // The service thread reads when nobody else does and it has waits to look after. `wake_service`
  // makes it run().
  void set_service(std::function<void()> wake_service) { wake_service_ = std::move(wake_service); }
  // Once nobody waits any more: the server shall not take us for alive.
  void close() noexcept;
  // In the child of a fork.
  void close_descriptors() noexcept { link_.close_descriptors(); }
  void add_wanted(std::vector<pollfd> &polled) override;
  Instant next_run() override;
  void run() noexcept override;

 private:
  class Reading;
  static void drop(std::vector<Wait *> &list, Wait &wait);
  void learn(Instant sent, int64_t server_us);
  void check_seen(bool seen, Instant sent);
  void poll_from_now();
  void on_push(Push push);
  void on_next(Wait &wait, const Push &push);
  void on_ended_push(const Push &push);
  void read(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until);
  void follow(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until);
  void connect(std::unique_lock<std::mutex> &lock);
  void receive(std::unique_lock<std::mutex> &lock);
  void dispatch(const Reply &message);
  void read_for_service(std::unique_lock<std::mutex> &lock) noexcept;
  void failed(const Error &error);
  void lost();
  void drop_stale_subscription();
  void drop_overdue_connect();
  void pass_on();
  void notify(Waiter *waiter);
  void unlink(Wait &wait) noexcept;
  template <typename Waiters>
  void rouse_all(const Waiters &waiters) {
    for (Waiter *waiter : waiters) notify(waiter);
  }

  Server &server_;
  const Clock &clock_;
  const std::string wake_name_, poll_name_;
  std::atomic<bool> polls_{false};
  // Touched by the reader alone; its pauses are changed under the mutex.
  ReconnectingConnection link_;
  uint64_t failover_epoch_ = 0;  // of the server, when this subscription was begun

  std::mutex mutex_;  // guards all that follows
  bool reading_ = false;
  bool receiving_ = false;
  Wait *reader_ = nullptr;  // null also where a thread that does not wait reads
  bool subscribed_ = false;
  Instant subscribed_at_{};
  bool unseen_ = false;     // the server does not see the subscription: it has to be renewed
  bool verifying_ = false;  // it was renewed for that, and nobody knows yet whether that helped
  std::optional<Instant> unseen_since_;  // since when this one is not seen either
  std::vector<Wait *> asleep_;           // threads that wait for the reader to notify them
  std::vector<Wait *> subscribing_;
  WaitList waits_;
  size_t async_waits_ = 0;          // waits that the service thread looks after
  bool service_reads_ = false;      // it has the role of the reader
  bool notifying_ = false;          // it goes through those that were notified
  Wait *first_notified_ = nullptr;  // of its waits, in the order of being notified
  Wait **last_notified_ = &first_notified_;
  std::function<void()> wake_service_, start_beats_;
  std::function<void(const Claim &)> release_ended_;
  std::deque<Claim> ended_;  // the last ones
  ServerTime server_time_;
  std::optional<Error> failure_;  // why the last attempt to subscribe failed
};

}  // namespace redilock
