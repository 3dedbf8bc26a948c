// What the demo counts while it runs, and the verdict at its end.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "demo_worker.hpp"

namespace cli {

constexpr int kDemoProcesses = 8;
constexpr int kDemoRounds = 200;
constexpr int kDemoExpected = kDemoProcesses * kDemoRounds;

// "1.52s" and "1.5ms".
std::string demo_seconds(std::chrono::steady_clock::duration time);
std::string demo_milliseconds(std::chrono::steady_clock::duration time);

class DemoScore {
 public:
  using Clock = std::chrono::steady_clock;

  void start() { start_ = Clock::now(); }
  void end() { end_ = Clock::now(); }
  void grant(int process, Clock::duration waited);
  void kill();
  // A process failed, for that reason. The first one counts.
  void fail(const std::string &reason);
  bool failed() const { return !failure_.empty(); }

  Clock::duration running() const { return Clock::now() - start_; }
  // How long there has been no grant.
  Clock::duration idle() const { return Clock::now() - std::max(start_, granted_at_); }
  int grants(int process) const { return grants_[static_cast<size_t>(process)]; }
  int all_grants() const;
  // Somebody was granted the lock after the kill.
  bool took_over() const { return took_over_; }
  Clock::duration outage() const { return took_over_at_ - killed_at_; }

  // Whether nothing was lost, given what stands in the counter's file.
  bool good(int64_t counted) const;
  std::string report(int64_t counted) const;

 private:
  std::string verdict(int64_t counted) const;

  std::array<int, kDemoProcesses> grants_{};
  bool killed_ = false;
  bool took_over_ = false;
  std::string failure_;
  int least_ = 0;  // served when the holder was killed: until then, all fought all the time
  int most_ = 0;
  Clock::time_point start_, end_, granted_at_, killed_at_, took_over_at_;
  Clock::duration longest_{};
  Clock::duration longest_behind_dead_{};
};

}  // namespace cli
