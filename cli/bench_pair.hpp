// Contenders that do the same job by turns, so that what disturbs the machine disturbs all of them.
// Shared with tests/bench.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench_figures.hpp"

namespace cli {

struct Contender {
  std::string name;
  std::function<void()> once;  // throws what makes the benchmark worthless
};

struct Turns {
  int slice = 200;     // how often one does its job before the next one's turn
  int64_t run_ms = 0;  // for how long all of them together go on
};

// A row for each contender: the median of its slices in us, where a slice counts by its median; and
// the ratio to the first contender's slice of the same round, with its quartiles.
std::vector<FigureRow> by_turns(const std::vector<Contender> &contenders, const Turns &turns);

// CLOCK_MONOTONIC, the same in every process.
int64_t monotonic_ns();

}  // namespace cli
