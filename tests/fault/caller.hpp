// What whoever calls for locks in a worker has in common, blocking or not: what it is going to do,
// and what of it is told to the history.
#pragma once

#include <redilock/redilock.h>

#include <cstdint>
#include <random>
#include <string>

#include "fault/board.hpp"
#include "fault/history.hpp"
#include "fault/worker.hpp"

namespace fault {

// Ends the process where the harness itself is at fault, or the library beyond what may be judged.
void need(int32_t status, const char *what);

struct Plan {
  int name;
  const char *kind;
  int64_t ttl_ms, wait_ms, hold_ms;
  int64_t cancel_after_us;  // 0: not
  bool renew, extend, abandon;
};

// A lock while it is held.
struct Holding {
  redilock_lock_t *lock = nullptr;
  int64_t until = 0, end = 0, next_write = 0;
};

class Caller {
 protected:
  static constexpr int64_t kMs = 1000;

  Caller(const WorkerSettings &settings, const History &history, Board &board, int slot)
      : settings_(settings),
        history_(history),
        board_(board),
        slot_(slot),
        random_(settings.seed * 1000 + static_cast<uint64_t>(slot)) {}
  ~Caller() = default;
  Caller(const Caller &) = delete;
  Caller &operator=(const Caller &) = delete;

  int64_t between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  bool is_calm() const { return board_.stop.load() != 0 || board_.lull.load() != 0; }

  Plan plan();
  // A new id, the options that the plan wants, and the line of the call.
  std::string prepare(redilock_op_t *op, const Plan &plan);
  // The line of its end, at `returned`; and until when the lock is promised.
  int64_t tell_end(redilock_op_t *op, const std::string &id, int32_t status, redilock_lock_t *lock,
                   int64_t returned);
  // Tells of every promise that reaches further, and writes now and then. False once it was lost.
  bool go_on(const Plan &plan, const std::string &id, Holding &holding);
  void write(const Plan &plan, const std::string &id, redilock_lock_t *lock);
  void tell(const char *event, const std::string &id) {
    history_.write(Line(now_us(), event).add("id", id));
  }
  void tell(const char *event, const std::string &id, int32_t status) {
    history_.write(Line(now_us(), event).add("id", id).add("status", redilock_status_name(status)));
  }

  const WorkerSettings &settings_;
  const History &history_;
  Board &board_;

 private:
  const int slot_;
  std::mt19937_64 random_;
  int64_t count_ = 0;
};

}  // namespace fault
