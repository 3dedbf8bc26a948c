// The client's own thread, for what nobody waits for: renewals, the undoing of requests whose
// outcome is unknown, and asynchronous operations. It starts at first need, ends with the client,
// and sleeps in one poll.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "wire/fd.hpp"
#include "wire/pollable.hpp"

namespace redilock {

class Service final : Meanwhile {
 public:
  // Runs on the service thread, where it must not block, and says when to run again, if at all. For
  // want of memory it is run again a little later.
  using Task = std::function<std::optional<Instant>()>;
  using Timer = std::multimap<Instant, Task>::iterator;

  explicit Service(const Clock &clock) : clock_(clock) { interrupt_.meanwhile = this; }
  ~Service();

  // What the thread polls for beside its tasks; before the first task.
  void attend(Pollable &pollable) { attended_.push_back(&pollable); }

  // From any thread. Throws Error(kUnavailable) where no thread can be started, Error(kClosed)
  // after stop(). The timer stands until the task has begun.
  Timer at(Instant when, Task task);
  // On the service thread only, of a task that has not begun.
  void cancel(Timer timer);

  // Has the thread look at all that it attends to. Async-signal-safe.
  void wake() noexcept { interrupt_.notifier.ring(); }

  // Ends the thread; tasks not begun are dropped.
  void stop() noexcept;
  // In the child of a fork, where there is no such thread.
  void close_descriptors() noexcept;

 private:
  void run() noexcept;
  Instant meanwhile() noexcept override;
  bool run_due();
  Instant next_task();
  void sleep();

  const Clock &clock_;
  Interrupt interrupt_;
  Fd timer_;
  std::vector<Pollable *> attended_;
  std::mutex mutex_;
  std::multimap<Instant, Task> tasks_;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace redilock
