#include "client/event_loop.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "values/status.hpp"
#include "values/system_error.hpp"
#include "wire/thread.hpp"

namespace redilock {

namespace {

constexpr Micros kPauseForMemory{10000};
constexpr size_t kTimerAt = 0, kNotifierAt = 1, kOwnDescriptors = 2;  // in what is polled for

// Counts suspended time, as the leases do that sleeps here guard.
Fd make_timer() {
  Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) timer = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer)
    throw Error(Status::kUnavailable, "cannot make a timer: " + system_error_text(errno), true)
        .saying_where();
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

EventLoop::~EventLoop() { stop(); }

EventLoop::Timer EventLoop::schedule_at(Instant when, Task task) {
  std::lock_guard lock(mutex_);
  start_once();
  const Timer timer = ++last_;
  const auto time = times_.emplace(when, timer).first;
  try {
    tasks_.emplace(timer, Entry{when, std::move(task)});
  } catch (...) {
    times_.erase(time);
    throw;
  }
  const bool elsewhere = thread_->get_id() != std::this_thread::get_id();
  if (elsewhere && time == times_.begin()) interrupt_.notifier.ring();
  return timer;
}

void EventLoop::start() {
  std::lock_guard lock(mutex_);
  start_once();
}

// Nothing may fail once the thread runs.
void EventLoop::start_once() {
  if (interrupt_.cancelled) throw Error(Status::kClosed, "the client is being freed");
  if (thread_) return;
  if (!timer_) timer_ = make_timer();
  polled_.reserve(kOwnDescriptors);
  interrupt_.notifier.fd();
  auto thread = std::make_unique<std::thread>();
  *thread = start_thread([this] { run(); });
  thread_ = std::move(thread);
}

void EventLoop::hurry(Timer timer) noexcept {
  std::lock_guard lock(mutex_);
  const auto entry = tasks_.find(timer);
  if (entry == tasks_.end()) return;
  auto time = times_.extract({entry->second.when, timer});
  if (time.empty()) return;
  time.value().first = entry->second.when = clock_.now();
  times_.insert(std::move(time));
  interrupt_.notifier.ring();
}

void EventLoop::cancel(Timer timer) noexcept {
  if (timer == 0) return;
  Task task;  // what it owns goes after the lock
  std::lock_guard lock(mutex_);
  const auto entry = tasks_.find(timer);
  if (entry == tasks_.end()) return;
  times_.erase({entry->second.when, timer});
  task.swap(entry->second.task);
  tasks_.erase(entry);
}

void EventLoop::stop() noexcept {
  interrupt_.cancel();
  std::unique_ptr<std::thread> thread;
  {
    std::lock_guard lock(mutex_);
    thread = std::move(thread_);
  }
  if (thread) thread->join();
  std::map<Timer, Entry> dropped;  // after the lock
  std::lock_guard lock(mutex_);
  tasks_.swap(dropped);
  times_.clear();
}

void EventLoop::close_descriptors() noexcept {
  interrupt_.notifier.close();
  timer_.reset();
}

void EventLoop::run() noexcept {
  while (!interrupt_.cancelled) {
    run_due();
    for (Pollable *pollable : attended_) pollable->run();
    sleep();
  }
}

// Those that are due as it begins: more may be submitted without end.
void EventLoop::run_due() {
  const Instant now = clock_.now();
  while (run_one(now)) {
  }
}

// Runs one task that was due by then, if there is one. To run it again takes no memory.
bool EventLoop::run_one(Instant now) {
  Task task;  // what it owns goes after the lock
  std::unique_lock lock(mutex_);
  if (interrupt_.cancelled || times_.empty() || times_.begin()->first > now) return false;
  auto time = times_.extract(times_.begin());
  const Timer timer = time.value().second;
  task.swap(tasks_.find(timer)->second.task);
  lock.unlock();
  std::optional<Instant> next;
  try {
    next = task();
  } catch (const std::bad_alloc &) {
    next = after(clock_.now(), kPauseForMemory);
  } catch (const std::exception &) {
    next.reset();  // nobody is left to tell
  }
  lock.lock();
  const auto entry = tasks_.find(timer);
  if (entry == tasks_.end()) return true;  // cancelled meanwhile
  if (!next) {
    tasks_.erase(entry);
    return true;
  }
  entry->second.when = *next;
  entry->second.task.swap(task);
  time.value().first = *next;
  times_.insert(std::move(time));
  return true;
}

Instant EventLoop::next_task() {
  std::lock_guard lock(mutex_);
  return times_.empty() ? kNever : times_.begin()->first;
}

// What to poll for. False if there is no memory for all of it: the first two have their place.
bool EventLoop::gather_wanted() noexcept {
  polled_.resize(kOwnDescriptors);
  polled_[kTimerAt] = {timer_.get(), POLLIN, 0};
  polled_[kNotifierAt] = {interrupt_.notifier.fd_or_none(), POLLIN, 0};
  try {
    for (Pollable *pollable : attended_) pollable->add_wanted(polled_);
  } catch (const std::bad_alloc &) {
    polled_.resize(kOwnDescriptors);
    return false;
  }
  return true;
}

// Until a task is due, somebody rings, or something that is polled for has come.
void EventLoop::sleep() {
  Instant next = next_task();
  for (Pollable *pollable : attended_) next = std::min(next, pollable->next_run());
  const Instant now = clock_.now();
  if (next <= now) return;
  if (!gather_wanted()) next = std::min(next, after(now, kPauseForMemory));
  arm(timer_, next == kNever ? Micros(std::chrono::hours(24)) : next - now);
  ::poll(polled_.data(), polled_.size(), -1);
  uint64_t expirations = 0;
  [[maybe_unused]] auto taken = ::read(timer_.get(), &expirations, sizeof expirations);
  if (polled_[kNotifierAt].revents != 0) interrupt_.notifier.silence();
}

}  // namespace redilock
