// The client's own thread, for what nobody waits for: renewals, and the undoing of requests whose
// outcome is unknown. It starts at the first task and ends with the client.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "wire/fd.hpp"
#include "wire/limit.hpp"

namespace redilock {

class Service {
 public:
  // Does a piece of work and says when to do the next, or nothing for the end. It may block, with
  // the given interrupt, and must not throw but Error.
  using Task = std::function<std::optional<Instant>(Interrupt &)>;

  explicit Service(const Clock &clock) : clock_(clock) {}
  ~Service();

  // Throws Error(kUnavailable) where no thread can be started, Error(kClosed) after stop().
  void at(Instant when, Task task);

  // Breaks off the task under way, drops the others, and ends the thread.
  void stop() noexcept;
  // In the child of a fork: the thread is the parent's, and so is whoever holds the mutex.
  void forget() noexcept;

 private:
  void run() noexcept;
  void run_due(std::unique_lock<std::mutex> &lock);
  void sleep_until(Instant when);

  const Clock &clock_;
  Interrupt interrupt_;
  Fd timer_;
  std::mutex mutex_;
  std::multimap<Instant, Task> tasks_;
  std::unique_ptr<std::thread> thread_;  // of no use, not even to its destructor, once forgotten
  bool forgotten_ = false;
};

}  // namespace redilock
