#include "client/wake_channel.hpp"

#include <algorithm>
#include <utility>

#include "values/finally.hpp"
#include "values/name.hpp"
#include "values/status.hpp"

namespace redilock {

namespace {

constexpr const char *kNoAnswer = "the server did not answer in time";

}  // namespace

void WakeChannel::drop(std::vector<Wait *> &list, Wait &wait) {
  list.erase(std::remove(list.begin(), list.end(), &wait), list.end());
}

// The role of the reader, with the mutex released meanwhile. Who had it passes it on.
class WakeChannel::Reading {
 public:
  Reading(WakeChannel &channel, std::unique_lock<std::mutex> &lock, Wait *reader)
      : channel_(channel), lock_(lock) {
    channel_.reading_ = true;
    channel_.reader_ = reader;
    lock_.unlock();
  }
  ~Reading() {
    if (!lock_.owns_lock()) lock_.lock();
    channel_.reading_ = false;
    channel_.reader_ = nullptr;
  }
  Reading(const Reading &) = delete;
  Reading &operator=(const Reading &) = delete;

 private:
  WakeChannel &channel_;
  std::unique_lock<std::mutex> &lock_;
};

WakeChannel::WakeChannel(Server &server, const std::string &client_id, Micros interval)
    : server_(server),
      clock_(server.clock()),
      wake_name_(wake_channel(client_id)),
      poll_name_(poll_channel(client_id)),
      link_(server, wake_name_),
      waits_(interval) {}

bool WakeChannel::ready() {
  if (polls_) return true;
  std::unique_lock lock(mutex_);
  if (!reading_) drop_stale_subscription();
  if (!subscribed_ || reading_) return subscribed_;
  Finally looked([&] { pass_on(); });  // somebody may have gone to sleep on this reading
  Reading reading(*this, lock, nullptr);
  receive(lock);
  return subscribed_;
}

void WakeChannel::add(Wait &wait) {
  std::lock_guard lock(mutex_);
  waits_.add(wait);
  if (wait.interrupt == nullptr) ++async_waits_;
  server_.telemetry().statistics.add(Stat::kQueuedNow);
}

void WakeChannel::take_over(Wait &wait) noexcept {
  std::lock_guard lock(mutex_);
  wait.interrupt = nullptr;
  wait.notified = false;
  ++async_waits_;
}

void WakeChannel::remove(Wait &wait) noexcept {
  server_.telemetry().statistics.add(Stat::kQueuedNow, -1);
  std::lock_guard lock(mutex_);
  if (wait.interrupt == nullptr) {
    --async_waits_;
    if (wait.notified) unlink(wait);
    drop(subscribing_, wait);
  }
  rouse_all(waits_.remove(wait, clock_.now()));
}

Error WakeChannel::not_subscribed(Micros span) {
  const std::string within = " within " + format_about(span) + ": ";
  std::lock_guard lock(mutex_);
  const Error cause = failure_.value_or(Error(Status::kUnavailable, kNoAnswer, true));
  if (cause.says_where()) return cause.worded("cannot subscribe" + within);
  return cause.worded("cannot subscribe at " + server_.address() + within).saying_where();
}

void WakeChannel::subscribe(Wait &wait, const WaitContext &limit) {
  const Instant begun = clock_.now();
  {
    std::lock_guard lock(mutex_);
    if (subscribed_ || polls_) return;
    subscribing_.push_back(&wait);
  }
  Finally leave([&] {
    std::lock_guard lock(mutex_);
    drop(subscribing_, wait);
  });
  for (;;) {
    sleep(wait, limit.deadline);
    {
      std::lock_guard lock(mutex_);
      if (subscribed_ || polls_) return;
    }
    if (limit.expired()) throw not_subscribed(limit.deadline - begun);
  }
}

void WakeChannel::sleep(Wait &wait, Instant until) {
  std::unique_lock lock(mutex_);
  Finally left([&] { pass_on(); });
  if (!reading_) drop_stale_subscription();
  // Its ring may have been taken back by a request under way when it was notified.
  while (!wait.notified && clock_.now() < until) {
    if (reading_ || polls_)
      follow(lock, wait, until);
    else
      read(lock, wait, until);
  }
  wait.notified = false;
  if (failure_ && !subscribed_ && !failure_->retriable()) throw Error(*failure_);
}

// Whoever sleeps no more sees to it that somebody reads: it may be the one who was woken for that.
void WakeChannel::pass_on() {
  if (reading_ || polls_) return;
  if (!asleep_.empty())
    asleep_.front()->interrupt->notifier.ring();
  else if (async_waits_ > 0)
    wake_service_();
}

void WakeChannel::follow(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until) {
  asleep_.push_back(&wait);
  Finally awake([&] {
    lock.lock();
    drop(asleep_, wait);
  });
  lock.unlock();
  wait_until_ready(-1, 0, {clock_, until, wait.interrupt});
}

void WakeChannel::read(std::unique_lock<std::mutex> &lock, Wait &wait, Instant until) {
  drop_stale_subscription();
  drop_overdue_connect();
  Reading reading(*this, lock, &wait);
  for (;;) {
    const pollfd wanted = link_.wanted();
    const WaitContext limit{clock_, std::min(until, link_.next_step()), wait.interrupt};
    const Ready ready = wait_until_ready(wanted.fd, wanted.events, limit);
    if (!link_.is_up())
      connect(lock);
    else if (ready == Ready::kDescriptor)
      receive(lock);
    if (!lock.owns_lock()) lock.lock();
    if (wait.notified || clock_.now() >= until) return;
    lock.unlock();
  }
}

// A step towards a new subscribed connection. Wake-ups may have been missed while there was none,
// so everybody asks at once.
void WakeChannel::connect(std::unique_lock<std::mutex> &lock) {
  try {
    if (!link_.is_opening()) failover_epoch_ = server_.failover_epoch();
    if (!link_.open()) return;
  } catch (const Error &error) {
    lock.lock();
    failed(error);
    return;
  }
  lock.lock();
  subscribed_ = true;
  server_.telemetry().log.add(LogLevel::kInfo,
                              [&] { return server_.address() + ": subscribed for the waiters"; });
  subscribed_at_ = clock_.now();
  failure_.reset();
  server_time_ = {};  // it may be another server now, with another clock
  verifying_ = std::exchange(unseen_, false);
  unseen_since_.reset();
  if (verifying_ && start_beats_) start_beats_();  // the reply shows whether it is seen now
  rouse_all(waits_.subscribed(clock_.now()));
  for (Wait *other : subscribing_) notify(other);
}

void WakeChannel::failed(const Error &error) {
  server_.broke(error);
  failure_ = error;
  link_.back_off();
  if (error.retriable()) return;
  for (Wait *other : subscribing_) notify(other);
  rouse_all(waits_.subscribed(clock_.now()));
}

// A subscription that stood for longer than the last pause is replaced at once. One that breaks as
// soon as it is confirmed must not be made anew without end.
void WakeChannel::lost() {
  if (std::exchange(subscribed_, false))
    server_.telemetry().log.add(LogLevel::kWarning, [&] {
      return server_.address() + ": the subscription of the waiters was lost" +
             (polls_ ? ": this client polls" : ", and is made again");
    });
  if (clock_.now() - subscribed_at_ < link_.last_backoff())
    link_.back_off();
  else
    link_.resume();
}

// Ends a subscription that the server which now runs the scripts does not see, and that of a client
// which polls. Only the reader may call it, or any thread if there is no reader.
void WakeChannel::drop_stale_subscription() {
  if (!subscribed_ || (failover_epoch_ == server_.failover_epoch() && !unseen_ && !polls_)) return;
  link_.close();
  lost();
}

// What ran out of time while nobody read is no failure of the server, and costs no pause.
void WakeChannel::drop_overdue_connect() {
  if (link_.is_late()) link_.close();
}

// Takes in what has arrived. A connection that broke is replaced by the next to read.
void WakeChannel::receive(std::unique_lock<std::mutex> &lock) {
  std::vector<Reply> messages;
  bool broken = false;
  try {
    link_->receive_now(messages);
  } catch (const Error &error) {
    server_.broke(error);
    broken = true;
    link_.close();
  } catch (const std::bad_alloc &) {  // a message may be lost
    broken = true;
    link_.close();
  }
  lock.lock();
  if (broken) lost();
  receiving_ = true;
  Finally received([&] { receiving_ = false; });
  for (const Reply &message : messages) dispatch(message);
}

void WakeChannel::dispatch(const Reply &message) {
  if (message.kind() != Reply::Kind::kArray || message.items().size() != 3) return;
  const Reply &kind = message.at(0), &channel = message.at(1), &payload = message.at(2);
  if (kind.kind() != Reply::Kind::kString || channel.kind() != Reply::Kind::kString ||
      payload.kind() != Reply::Kind::kString || kind.text() != "message" ||
      channel.text() != wake_name_)
    return;
  if (auto push = parse_push(payload.text())) on_push(std::move(*push));
}

void WakeChannel::close() noexcept {
  std::lock_guard lock(mutex_);
  link_.close();
  subscribed_ = false;
}

void WakeChannel::notify(Waiter *waiter) {
  if (waiter == nullptr) return;
  auto *wait = static_cast<Wait *>(waiter);
  if (wait->interrupt == nullptr && !wait->notified) {
    *last_notified_ = wait;
    last_notified_ = &wait->next_roused;
    if (!receiving_ || !service_reads_) wake_service_();
  }
  wait->notified = true;
  if (wait->interrupt == nullptr || (receiving_ && wait == reader_)) return;  // it is this thread
  wait->interrupt->notifier.ring();
}

}  // namespace redilock
