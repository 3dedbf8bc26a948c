#include "client/running.hpp"

#include <algorithm>

#include "values/status.hpp"

namespace redilock {

Running::Entry::Entry(Running &running, Interrupt &interrupt)
    : running_(running), interrupt_(&interrupt) {
  std::lock_guard lock(running_.mutex_);
  if (running_.closed_) throw client_closed();
  link();
  ++running_.calls_;
}

Running::Entry::Entry(Running &running) : running_(running), interrupt_(nullptr) {
  std::lock_guard lock(running_.mutex_);
  link();
  ++running_.tasks_;
}

Running::Entry::~Entry() {
  std::lock_guard lock(running_.mutex_);
  (previous_ != nullptr ? previous_->next_ : running_.first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  --(interrupt_ != nullptr ? running_.calls_ : running_.tasks_);
  // Under the mutex: the one who waits may free it at once.
  if (running_.closed_) running_.ended_.notify_all();
}

void Running::Entry::link() noexcept {
  next_ = running_.first_;
  if (next_ != nullptr) next_->previous_ = this;
  running_.first_ = this;
}

bool Running::close() noexcept {
  std::lock_guard lock(mutex_);
  if (closed_.exchange(true)) return false;
  end_ = std::chrono::steady_clock::now() + kClosingTime;
  closing_.close();
  for (Entry *entry = first_; entry != nullptr; entry = entry->next_)
    if (entry->interrupt_ != nullptr) entry->interrupt_->close();
  return true;
}

void Running::wait_for_end() noexcept {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return calls_ == 0; });
  ended_.wait_until(lock, end_, [this] { return calls_ + tasks_ == 0; });
}

bool Running::wait_for(Micros most, const std::function<bool()> &is_done) {
  std::unique_lock lock(mutex_);
  // The clock of the system library overflows beyond some hundred thousand years.
  return ended_.wait_for(lock, std::min<Micros>(most, std::chrono::hours(24 * 365)), is_done);
}

}  // namespace redilock
