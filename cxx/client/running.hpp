// What runs in a client: calls that block, asynchronous requests, and the rollback of claims.
// Closing the client interrupts the calls; freeing it waits until nothing runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "wire/wait.hpp"

namespace redilock {

// How long a closed client goes on to ask the server: to leave queues, to release late grants, and
// to learn how requests under way ended.
constexpr Micros kClosingTime{100000};

class Running {
 public:
  // One call or task, from its begin to its end.
  class Entry {
   public:
    // A call that blocks, and how to interrupt it. Throws Error(kClosed) if the client is closed.
    Entry(Running &running, Interrupt &interrupt);
    // A task of the service thread, which looks at is_closed() itself.
    explicit Entry(Running &running);
    ~Entry();
    Entry(const Entry &) = delete;
    Entry &operator=(const Entry &) = delete;

   private:
    friend class Running;
    void link() noexcept;

    Running &running_;
    Interrupt *const interrupt_;
    Entry *previous_ = nullptr, *next_ = nullptr;
  };

  Running() { closing_.is_optional = true; }

  bool is_closed() const noexcept { return closed_.load(); }
  // Interrupts the calls that run, and refuses new ones. True for the first of several calls.
  bool close() noexcept;
  // Waits until no call runs, and no task either or kClosingTime has passed since the close.
  void wait_for_end() noexcept;

  // After a close: waits for at most `most` until an end of a call or task makes `is_done` true.
  bool wait_for(Micros most, const std::function<bool()> &is_done);

  // For calls that nothing else interrupts: one descriptor serves them all.
  Interrupt &closing() noexcept { return closing_; }

 private:
  std::atomic<bool> closed_{false};
  Interrupt closing_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::chrono::steady_clock::time_point end_{};
  Entry *first_ = nullptr;
  size_t calls_ = 0, tasks_ = 0;
};

}  // namespace redilock
