#include "client/service.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "values/finally.hpp"
#include "values/status.hpp"
#include "wire/thread.hpp"

namespace redilock {

namespace {

// Counts suspended time, as the leases do that sleeps here guard.
Fd make_timer() {
  Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) timer = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) throw Error(Status::kUnavailable, "no descriptor is left for a timer", true);
  return timer;
}

void arm(const Fd &timer, Micros span) {
  using namespace std::chrono;
  span = std::clamp(span, Micros(1), Micros(hours(24)));  // 0 would disarm it
  const auto whole = duration_cast<seconds>(span);
  itimerspec spec{};
  spec.it_value = {static_cast<time_t>(whole.count()),
                   static_cast<long>(nanoseconds(span - whole).count())};
  ::timerfd_settime(timer.get(), 0, &spec, nullptr);
}

}  // namespace

Service::~Service() {
  if (!forgotten_) stop();
}

void Service::at(Instant when, Task task) {
  std::lock_guard lock(mutex_);
  if (interrupt_.cancelled) throw Error(Status::kClosed, "the client is being freed");
  auto added = tasks_.emplace(when, std::move(task));
  if (!thread_) try {
      if (!timer_) timer_ = make_timer();
      interrupt_.notifier.fd();
      // Nothing may fail once the thread runs.
      auto thread = std::make_unique<std::thread>();
      *thread = start_thread([this] { run(); });
      thread_ = std::move(thread);
    } catch (...) {
      tasks_.erase(added);
      throw;
    }
  if (added == tasks_.begin()) interrupt_.notifier.ring();
}

void Service::stop() noexcept {
  interrupt_.cancel();
  std::unique_ptr<std::thread> thread;
  {
    std::lock_guard lock(mutex_);
    thread = std::move(thread_);
  }
  if (thread) thread->join();
  tasks_.clear();
}

void Service::forget() noexcept {
  forgotten_ = true;
  [[maybe_unused]] auto *nobodys = thread_.release();
}

void Service::run() noexcept {
  std::unique_lock lock(mutex_);
  while (!interrupt_.cancelled) {
    const Instant next = tasks_.empty() ? kNever : tasks_.begin()->first;
    if (next <= clock_.now()) {
      run_due(lock);
      continue;
    }
    lock.unlock();
    sleep_until(next);
    lock.lock();
  }
}

void Service::run_due(std::unique_lock<std::mutex> &lock) {
  auto node = tasks_.extract(tasks_.begin());
  lock.unlock();
  std::optional<Instant> next;
  try {
    next = node.mapped()(interrupt_);
  } catch (const std::exception &) {
    next.reset();  // nobody is left to tell
  }
  if (!next) node = {};  // what the task owned goes before the lock is taken
  lock.lock();
  if (!next || interrupt_.cancelled) return;
  node.key() = *next;
  tasks_.insert(std::move(node));
}

void Service::sleep_until(Instant when) {
  try {
    arm(timer_, when == kNever ? Micros(std::chrono::hours(24)) : when - clock_.now());
    wait_until_ready(timer_.get(), POLLIN, {clock_, kNever, &interrupt_});
    uint64_t expirations = 0;
    [[maybe_unused]] auto taken = ::read(timer_.get(), &expirations, sizeof expirations);
  } catch (const Error &) {
    return;  // stopped: the caller looks
  }
}

}  // namespace redilock
