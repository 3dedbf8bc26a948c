// What a wait shows once it lasts: a line on a terminal that follows it, or one line elsewhere.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "session.hpp"
#include "wait.hpp"

namespace cli {

// On a terminal: draws from one second on and once a second, until it ends; then the line is erased.
// Elsewhere it says once, after a second, that the lock is waited for. A quiet wait shows nothing.
class Progress {
 public:
  explicit Progress(const Wait &wait);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  // The wait is over. Says for how long a lock that was granted was waited for, if the wait was
  // shown elsewhere than on a terminal, or is verbose.
  void end(bool granted);

 private:
  void run();
  void show();
  std::string waited() const;
  std::string place() const;

  const Wait &wait_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Op look_;  // a second operation: the first one is busy acquiring
  const bool terminal_;
  bool shown_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cli
