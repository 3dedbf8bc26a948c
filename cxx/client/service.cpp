#include "client/service.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <ctime>

#include "values/status.hpp"
#include "wire/thread.hpp"

namespace redilock {

namespace {

constexpr size_t kMostAttended = 4;
constexpr Micros kPauseForMemory{10000};

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

Service::~Service() { stop(); }

Service::Timer Service::at(Instant when, Task task) {
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
  const bool elsewhere = thread_->get_id() != std::this_thread::get_id();
  if (elsewhere && added == tasks_.begin()) interrupt_.notifier.ring();
  return added;
}

void Service::cancel(Timer timer) {
  Task task;  // what it owns goes after the lock
  std::lock_guard lock(mutex_);
  task.swap(timer->second);
  tasks_.erase(timer);
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

void Service::close_descriptors() noexcept {
  interrupt_.notifier.close();
  timer_.reset();
}

void Service::run() noexcept {
  while (!interrupt_.cancelled) {
    while (run_due()) {
    }
    for (Pollable *pollable : attended_) pollable->run(interrupt_);
    sleep();
  }
}

Instant Service::meanwhile() noexcept {
  while (run_due()) {
  }
  Instant next = next_task();
  for (Pollable *pollable : attended_) next = std::min(next, pollable->run_meanwhile());
  return next;
}

// Runs one task that is due, if there is one. To run it again takes no memory.
bool Service::run_due() {
  std::unique_lock lock(mutex_);
  if (interrupt_.cancelled || tasks_.empty() || tasks_.begin()->first > clock_.now()) return false;
  auto node = tasks_.extract(tasks_.begin());
  lock.unlock();
  std::optional<Instant> next;
  try {
    next = node.mapped()();
  } catch (const std::bad_alloc &) {
    next = after(clock_.now(), kPauseForMemory);
  } catch (const std::exception &) {
    next.reset();  // nobody is left to tell
  }
  if (!next) node = {};  // what the task owned goes before the lock is taken
  lock.lock();
  if (!next || interrupt_.cancelled) return true;
  node.key() = *next;
  tasks_.insert(std::move(node));
  return true;
}

Instant Service::next_task() {
  std::lock_guard lock(mutex_);
  return tasks_.empty() ? kNever : tasks_.begin()->first;
}

// Until a task is due, somebody rings, or something that is polled for has come.
void Service::sleep() {
  Instant next = next_task();
  pollfd polled[kMostAttended + 2] = {{timer_.get(), POLLIN, 0},
                                      {interrupt_.notifier.fd(), POLLIN, 0}};
  nfds_t count = 2;
  for (Pollable *pollable : attended_) {
    polled[count++] = pollable->wanted();
    next = std::min(next, pollable->next_run());
  }
  const Instant now = clock_.now();
  // What ran may have been broken off by stop(), and has then taken its ring.
  if (interrupt_.cancelled || next <= now) return;
  arm(timer_, next == kNever ? Micros(std::chrono::hours(24)) : next - now);
  ::poll(polled, count, -1);
  uint64_t expirations = 0;
  [[maybe_unused]] auto taken = ::read(timer_.get(), &expirations, sizeof expirations);
  if (polled[1].revents != 0) interrupt_.notifier.silence();
}

}  // namespace redilock
