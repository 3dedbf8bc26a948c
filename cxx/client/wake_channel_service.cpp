// The wake-up channel as the service thread sees it: read in its poll, where nothing blocks.
#include "client/wake_channel.hpp"
#include "values/status.hpp"

namespace redilock {

bool WakeChannel::subscribed_or_notified(Wait &wait) {
  if (ready() && polls_) return true;  // the connection may have ended while nobody read
  std::lock_guard lock(mutex_);
  drop(subscribing_, wait);
  if (!subscribed_) subscribing_.push_back(&wait);
  const bool others_first = subscribed_ && !notifying_ && first_notified_ != nullptr;
  if (others_first) notify(&wait);
  return subscribed_ && !others_first;
}

std::optional<Error> WakeChannel::refusal() {
  std::lock_guard lock(mutex_);
  // For as long as nothing else is tried: nobody tries where nobody waits.
  const bool stands = failure_ && !subscribed_ && clock_.now() < link_.resume_at();
  return stands && !failure_->retriable() ? failure_ : std::nullopt;
}

void WakeChannel::add_wanted(std::vector<pollfd> &polled) {
  std::lock_guard lock(mutex_);
  const pollfd wanted = service_reads_ ? link_.wanted() : pollfd{-1, 0, 0};
  if (wanted.fd >= 0) polled.push_back(wanted);
}

Instant WakeChannel::next_run() {
  std::lock_guard lock(mutex_);
  if (first_notified_ != nullptr) return Instant::min();
  return service_reads_ ? link_.next_step() : kNever;
}

void WakeChannel::run() noexcept {
  std::unique_lock lock(mutex_);
  if (!service_reads_ && !reading_ && async_waits_ > 0 && !polls_) {
    drop_overdue_connect();
    service_reads_ = reading_ = true;
  }
  if (service_reads_) drop_stale_subscription();
  if (service_reads_ && (async_waits_ == 0 || polls_)) {
    service_reads_ = reading_ = false;
    pass_on();
  }
  if (service_reads_) {
    read_for_service(lock);
  }
  notifying_ = true;
  while (first_notified_ != nullptr) {
    Wait &wait = *first_notified_;
    unlink(wait);
    lock.unlock();
    wait.on_notify();  // which may end the wait
    lock.lock();
  }
  notifying_ = false;
}

void WakeChannel::read_for_service(std::unique_lock<std::mutex> &lock) noexcept {
  lock.unlock();
  bool missed = false;
  try {
    if (link_.is_up())
      receive(lock);
    else
      connect(lock);
  } catch (const std::exception &) {  // for want of memory
    missed = true;
  }
  if (!lock.owns_lock()) lock.lock();
  if (!missed) return;
  // A wake-up may have been missed: whoever subscribes anew asks.
  link_.close();
  subscribed_ = false;
  link_.back_off();
}

void WakeChannel::unlink(Wait &wait) noexcept {
  Wait **at = &first_notified_;
  while (*at != &wait) at = &(*at)->next_roused;
  *at = wait.next_roused;
  if (last_notified_ == &wait.next_roused) last_notified_ = at;
  wait.next_roused = nullptr;
  wait.notified = false;
}

}  // namespace redilock
