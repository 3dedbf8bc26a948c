// The wake-up channel: one subscribed connection for all the waits of a client, read by whichever
// waiting thread gets to it first while the others sleep. Who stops reading wakes another; the role
// of the reader is never held across a return.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lock/acquiring.hpp"
#include "lock/validity.hpp"
#include "lock/wait_list.hpp"
#include "wire/link.hpp"
#include "wire/pollable.hpp"

namespace redilock {

// One that waits for one lock: a thread that blocks, which its interrupt wakes; or what the service
// thread does for an asynchronous operation.
struct Wait final : Waiter {
  Wait(std::string token_id, std::string lock_key, Interrupt *how)
      : Waiter(std::move(token_id), std::move(lock_key)), interrupt(how) {}

  Interrupt *const interrupt;      // null: looked after by the service thread
  std::function<void()> on_rouse;  // what the service thread does when it is roused
  Wait *next_roused = nullptr;
  bool roused = false;  // something changed that it should look at

  // Of a grant that was over when the server said that this waiter is queued: it lost data, the
  // lock was broken, or a join was asked twice.
  bool is_over(const Push &of) const { return of.fence <= arrival || of.grant_us < queued_us; }

  int64_t queued_us = 0;  // the server's time when it said so last
  std::optional<Push> push;
  Instant pushed_at{};
};

class WakeChannel final : public Pollable {
 public:
  WakeChannel(Server &server, std::string channel, Micros foreign_interval);

  const std::string &name() const noexcept { return channel_; }
  // Whether it is subscribed, as far as can be told without waiting.
  bool ready();
  // Subscribes, or waits until another thread has. Throws Error.
  void subscribe(Wait &wait, const Limit &limit);

  void add(Wait &wait);
  void remove(Wait &wait) noexcept;

  void answered(Wait &wait, const Queued &queued);
  void postpone(Wait &wait, Instant when);
  Instant due(const Wait &wait);
  std::optional<PushedGrant> take_push(Wait &wait);

  // For the service thread: whether it is subscribed now; if not, this wait is roused at each
  // attempt, in the order of these calls.
  bool subscribed_or_roused(Wait &wait);
  // Why the last attempt to subscribe failed, if it did and nothing but a change at the server
  // would help.
  std::optional<Error> refusal();

  // Sleeps until the wait was roused or `until` has come, and reads the channel if nobody else
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
  pollfd wanted() override;
  Instant next_run() override;
  void run() noexcept override;

 private:
  class Reading;
  static void drop(std::vector<Wait *> &list, Wait &wait);
  void read(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until);
  void follow(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until);
  void connect(std::unique_lock<std::mutex> &lock);
  void receive(std::unique_lock<std::mutex> &lock);
  void dispatch(const Reply &message);
  void read_for_service(std::unique_lock<std::mutex> &lock) noexcept;
  void failed(const Error &error);
  void lost();
  void end_unseen();
  void end_late();
  void pass_on();
  void rouse(Waiter *waiter);
  void unlink(Wait &wait) noexcept;
  void rouse_all(const std::vector<Waiter *> &waiters);

  const Server &server_;
  const Clock &clock_;
  const std::string channel_;
  // Touched by the reader alone; its pauses are changed under the mutex.
  Link link_;
  uint64_t moves_ = 0;  // of the server, when this subscription was begun

  std::mutex mutex_;  // guards all that follows
  bool reading_ = false;
  bool receiving_ = false;
  Wait *reader_ = nullptr;  // null also where a thread that does not wait reads
  bool subscribed_ = false;
  Instant subscribed_at_{};
  std::vector<Wait *> asleep_;  // threads that wait for the reader to rouse them
  std::vector<Wait *> subscribing_;
  WaitList waits_;
  size_t serviced_ = 0;           // waits that the service thread looks after
  bool service_reads_ = false;    // it has the role of the reader
  bool rousing_ = false;          // it goes through those that were roused
  Wait *first_roused_ = nullptr;  // of its waits, in the order of being roused
  Wait **last_roused_ = &first_roused_;
  std::function<void()> wake_service_;
  ServerTime server_time_;
  std::optional<Error> failure_;  // why the last attempt to subscribe failed
};

}  // namespace redilock
