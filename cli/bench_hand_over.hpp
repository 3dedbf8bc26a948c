// Processes that fight for one lock, and what came of it. Shared with tests/bench.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bench_figures.hpp"
#include "session.hpp"

namespace cli {

// One process' way to a lock.
class Contestant {
 public:
  virtual ~Contestant() = default;
  virtual void take() = 0;
  virtual void give() = 0;
};

// By redilock, with a fence.
std::unique_ptr<Contestant> contestant(Client client, const std::string &name);

struct HandOver {
  std::function<std::unique_ptr<Contestant>()> join;  // called in each process
  int processes = 8;
  int64_t hold_us = 2000;
  int64_t think_us = 2000;
  int64_t run_ms = 5000;
};

// One row: how much of the time somebody believed to hold the lock (percent), hand-offs a second,
// the least and most served, how far they are apart (percent of the most), the quantiles from the
// call of release to the next holder's return (us), and how many grants overlapped: 0, or the lock
// is broken. Throws Failure.
FigureRow measure_hand_over(const HandOver &plan);

}  // namespace cli
