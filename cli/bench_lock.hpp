// Taking and giving back a lock in a benchmark, where anything but success ends it. Shared with
// tests/bench.
#pragma once

#include <cstdint>
#include <string>

#include "session.hpp"

namespace cli {

// Every lock of a benchmark: long enough for a machine under load, and soon gone if it is killed.
constexpr int64_t kBenchTtlMs = 10000;
constexpr int64_t kBenchWaitMs = 20000;

inline void bench_check(int32_t status) {
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), redilock_strerror(status));
}

inline Op bench_op(const Client &client, const std::string &name, bool fence = true) {
  redilock_op_t *raw = nullptr;
  bench_check(redilock_op_new(client.get(), &raw));
  Op op(raw);
  bench_check(redilock_op_set_bytes(raw, "name", name.data(), name.size()));
  bench_check(redilock_op_set_int(raw, "ttl", kBenchTtlMs));
  bench_check(redilock_op_set_int(raw, "wait", kBenchWaitMs));
  bench_check(redilock_op_set_int(raw, "fence", fence ? 1 : 0));
  return op;
}

inline Lock bench_acquire(const Op &op) {
  redilock_lock_t *raw = nullptr;
  const int32_t status = redilock_op_acquire(op.get(), &raw);
  if (status == REDILOCK_OK) return Lock(raw);
  std::string message(redilock_op_message(op.get(), nullptr, 0), '\0');
  redilock_op_message(op.get(), message.data(), message.size() + 1);
  throw Failure(exit_code_of(status), message);
}

inline void bench_release(const Op &op, const Lock &lock) {
  bench_check(redilock_op_release(op.get(), lock.get()));
}

// Acquire and release by an operation, and by the short form.
inline void bench_pair(const Op &op) { bench_release(op, bench_acquire(op)); }

inline void bench_short_pair(const Client &client, const std::string &name) {
  redilock_lock_t *raw = nullptr;
  bench_check(redilock_acquire(client.get(), name.data(), name.size(), kBenchTtlMs, kBenchWaitMs,
                               &raw, nullptr, 0));
  const Lock lock(raw);
  bench_check(redilock_release(raw));
}

}  // namespace cli
