// The parts of the benchmark, one a file. Each starts servers of its own and tells what it found.
#pragma once

#include "../../cli/bench_figures.hpp"

namespace bench {

using cli::Figures;

// How long each measurement runs.
struct Times {
  int64_t pair_ms, hand_over_ms, ping_ms, waiting_ms;
};

// Acquire + release of a free lock against raw hiredis, over TCP and over a unix socket.
void measure_pairs(const Times &times, Figures &figures);
// Eight processes that fight for a lock, and what the server did for it.
void measure_hand_over(const Times &times, Figures &figures);
// From one process' release to the other's acquire, against a message from a script.
void measure_latency(const Times &times, Figures &figures);
// What waiters cost who wait behind a holder.
void measure_waiting(const Times &times, Figures &figures);
// What ten thousand asynchronous waiters cost in one process.
void measure_async(const Times &times, Figures &figures);

}  // namespace bench
