// What the demo's parent and its worker processes agree on.
//
// A worker writes to its parent, a line each on stdout: "ready" once it is connected, "grant WAIT_US"
// after each increment and before the release, and "hold" when it was asked to stop with the lock in
// its hands. It takes its first turn when the parent unlocks the counter's file (flock).
#pragma once

#include <cstdint>

#include "command.hpp"

namespace cli {

constexpr const char *kDemoLock = "demo";
constexpr int64_t kDemoTtlMs = 1500;
constexpr int64_t kDemoWaitMs = 20000;

// The worker process: --worker ROUNDS, --file COUNTER, and --hold-at ROUND for the one to be
// killed.
int demo_worker(const Args &args);

}  // namespace cli
