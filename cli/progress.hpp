// The line that tells a terminal, once a wait lasts, how it goes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "session.hpp"

namespace cli {

struct Wait;

// Draws from one second on and once a second, until destroyed; then the line is erased. Does
// nothing where stderr is no terminal or the wait is quiet.
class Progress {
 public:
  explicit Progress(const Wait &wait);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

 private:
  void run();
  void draw();
  std::string line() const;

  const Wait &wait_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Op look_;  // a second operation: the first one is busy acquiring
  bool drawn_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cli
