// The client's own thread, for what nobody waits for: renewals, the undoing of requests whose
// outcome is unknown, and asynchronous operations. It starts at first need, ends with the client,
// and sleeps in one poll.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "wire/fd.hpp"
#include "wire/pollable.hpp"
#include "wire/wait.hpp"

namespace redilock {

class EventLoop {
 public:
  // Runs on the service thread, where it must not block, and says when to run again, if at all. For
  // want of memory it is run again a little later.
  using Task = std::function<std::optional<Instant>()>;
  // Names a task; 0 is none.
  using Timer = uint64_t;

  explicit EventLoop(const Clock &clock) : clock_(clock) {}
  ~EventLoop();

  // What the thread polls for beside its tasks; before the first task.
  void add(Pollable &pollable) { attended_.push_back(&pollable); }

  // From any thread, as at(): has the thread run. Throws Error(kUnavailable) where it cannot be
  // started, Error(kClosed) after stop().
  void start();
  // Throws as start().
  Timer schedule_at(Instant when, Task task);
  // From any thread: the task runs now rather than later. Takes no memory. Of one that runs or has
  // ended nothing.
  void hurry(Timer timer) noexcept;
  // From any thread: the task does not run again, and what it owns goes. Of one that has ended
  // nothing.
  void cancel(Timer timer) noexcept;

  // Has the thread look at all that it attends to. Async-signal-safe.
  void wake() noexcept { interrupt_.notifier.ring(); }

  // Ends the thread; tasks not begun are dropped.
  void stop() noexcept;
  // In the child of a fork, where there is no such thread.
  void close_descriptors() noexcept;

 private:
  struct Entry {
    Instant when;
    Task task;  // not while it runs
  };

  void start_once();
  void run() noexcept;
  void run_due();
  bool run_one(Instant now);
  Instant next_task();
  bool gather_wanted() noexcept;
  void sleep();

  const Clock &clock_;
  Interrupt interrupt_;
  Fd timer_;
  std::vector<Pollable *> attended_;
  std::vector<pollfd> polled_;
  std::mutex mutex_;
  std::map<Timer, Entry> tasks_;
  std::set<std::pair<Instant, Timer>> times_;  // of those that do not run now
  Timer last_ = 0;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace redilock
