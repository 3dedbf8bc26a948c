// The life of a worker's thread: ask, hold, write, let go.
#include "fault/worker.hpp"

#include <redilock/redilock.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "fault/board.hpp"
#include "fault/history.hpp"

namespace fault {

namespace {

constexpr int kThreads = 3;
constexpr int64_t kMs = 1000;

[[noreturn]] void give_up(const char *what, int32_t status) {
  std::fprintf(stderr, "redilock_fault worker: %s: %s\n", what, redilock_strerror(status));
  std::abort();
}

void need(int32_t status, const char *what) {
  if (status != REDILOCK_OK) give_up(what, status);
}

// Cancels operations at their time, on a thread of its own.
class Canceller {
 public:
  Canceller() : thread_([this] { run(); }) {}
  ~Canceller() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Canceller(const Canceller &) = delete;
  Canceller &operator=(const Canceller &) = delete;

  // `at` 0: not any more.
  void set(int slot, redilock_op_t *op, int64_t at) {
    {
      std::lock_guard lock(mutex_);
      plans_[static_cast<size_t>(slot)] = {op, at};
    }
    changed_.notify_all();
  }

 private:
  struct Plan {
    redilock_op_t *op;
    int64_t at;
  };

  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const int64_t now = now_us();
      int64_t next = now + 1000 * kMs;
      for (Plan &plan : plans_) {
        if (plan.at != 0 && plan.at <= now) {
          redilock_op_cancel(plan.op);
          plan.at = 0;
        }
        if (plan.at != 0) next = std::min(next, plan.at);
      }
      changed_.wait_for(lock, std::chrono::microseconds(next - now));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Plan, kThreads> plans_{};
  bool stopping_ = false;
  std::thread thread_;
};

struct Plan {
  int name;
  const char *kind;
  int64_t ttl_ms, wait_ms, hold_ms;
  int64_t cancel_after_us;  // 0: not
  bool renew, extend, abandon;
};

class Worker {
 public:
  Worker(const WorkerSettings &settings, redilock_client_t *client, Canceller &canceller,
         const History &history, Board &board, int slot)
      : settings_(settings),
        client_(client),
        canceller_(canceller),
        history_(history),
        board_(board),
        slot_(slot),
        random_(settings.seed * 1000 + static_cast<uint64_t>(slot)) {
    need(redilock_op_new(client_, &op_), "op_new");
  }
  ~Worker() { redilock_op_free(op_); }
  Worker(const Worker &) = delete;
  Worker &operator=(const Worker &) = delete;

  void run() {
    while (board_.stop.load() == 0) {
      if (board_.lull.load() == 0) attempt(plan());
      sleep_until(now_us() + (board_.lull.load() == 0 ? between(0, 30) : 5) * kMs);
    }
  }

 private:
  int64_t between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool chance(int percent) { return between(1, 100) <= percent; }

  Plan plan() {
    Plan plan{};
    plan.name = static_cast<int>(between(0, kNames - 1));
    plan.ttl_ms = between(300, 3000);
    plan.renew = chance(30);
    plan.abandon = chance(4);
    plan.extend = chance(25);
    plan.hold_ms = chance(75) ? between(0, 10) : between(0, plan.ttl_ms * (chance(25) ? 2 : 1) / 3);
    if (chance(18)) {  // longer than the lease, which is made short
      plan.ttl_ms = between(300, 700);
      plan.hold_ms = between(plan.ttl_ms, 2 * plan.ttl_ms);
    }
    const int64_t dice = between(1, 100);
    plan.kind = dice <= 20 ? "try" : dice <= 50 ? "timed" : dice <= 82 ? "endless" : "cancelled";
    plan.wait_ms = dice <= 20 ? 0 : dice <= 50 ? between(1, 1500) : -1;
    if (dice > 82) plan.cancel_after_us = between(1, 400 * kMs);
    return plan;
  }

  void attempt(const Plan &plan) {
    const std::string id =
        settings_.id + "." + std::to_string(slot_) + "." + std::to_string(++count_);
    redilock_op_reset(op_);
    need(redilock_op_set(op_, "name", name_of(plan.name).c_str()), "name");
    need(redilock_op_set(op_, "label", id.c_str()), "label");
    need(redilock_op_set_int(op_, "ttl", plan.ttl_ms), "ttl");
    need(redilock_op_set_int(op_, "wait", plan.wait_ms), "wait");
    need(redilock_op_set_int(op_, "renew", plan.renew ? 1 : 0), "renew");
    history_.write(Line(now_us(), "call")
                       .add("id", id)
                       .add("name", name_of(plan.name))
                       .add("kind", plan.kind)
                       .add("ttl", plan.ttl_ms)
                       .add("wait", plan.wait_ms)
                       .add("cancel", plan.cancel_after_us));
    if (plan.cancel_after_us > 0) canceller_.set(slot_, op_, now_us() + plan.cancel_after_us);
    redilock_lock_t *lock = nullptr;
    const int32_t status = redilock_op_acquire(op_, &lock);
    const int64_t returned = now_us();
    canceller_.set(slot_, op_, 0);
    const int64_t left = redilock_lock_remaining_ms(lock);
    Line line(returned, "end");
    line.add("id", id).add("status", redilock_status_name(status));
    if (status == REDILOCK_OK)
      line.add("fence", redilock_lock_fence(lock)).add("until", returned + left * kMs);
    char message[300] = "";
    redilock_op_message(op_, message, sizeof message);
    history_.write(line.add("message", message));
    if (status != REDILOCK_OK) return;
    hold(plan, id, lock, returned + left * kMs);
    redilock_lock_free(lock);
  }

  // Holds, and tells of every promise that reaches further; then lets go.
  void hold(const Plan &plan, const std::string &id, redilock_lock_t *lock, int64_t until) {
    const int64_t end = now_us() + plan.hold_ms * kMs;
    int64_t next_write = 0;
    bool extend = plan.extend;
    for (;;) {
      const int64_t now = now_us();
      const int64_t left = redilock_lock_remaining_ms(lock);
      if (left == 0) {
        history_.write(Line(now, "lost").add("id", id));
        if (chance(50)) write(plan, id, lock);  // as one that does not look: the store must refuse
        revive(plan, id, lock, until);
        break;
      }
      if (now + left * kMs > until + 10 * kMs) {
        until = now + left * kMs;
        history_.write(Line(now, "hold").add("id", id).add("until", until));
      }
      if (now >= next_write) {
        write(plan, id, lock);
        next_write = now + 20 * kMs;
      }
      if (now >= end || board_.stop.load() != 0 || board_.lull.load() != 0) break;
      if (extend && now >= end - plan.hold_ms * kMs / 2) {
        extend = false;
        const int32_t status = redilock_extend(lock, plan.ttl_ms);
        history_.write(
            Line(now_us(), "extend").add("id", id).add("status", redilock_status_name(status)));
      }
      sleep_until(std::min(now + 3 * kMs, std::max(end, now)));
    }
    let_go(plan, id, lock);
  }

  // What has run out stays so. What remains is told in whole milliseconds, so it is told to be nothing
  // up to one before the end, and may still be extended until then.
  void revive(const Plan &plan, const std::string &id, redilock_lock_t *lock, int64_t until) {
    sleep_until(until + 2 * kMs);
    const int32_t status = redilock_extend(lock, plan.ttl_ms);
    const int64_t now = now_us(), left = redilock_lock_remaining_ms(lock);
    if (status == REDILOCK_OK || left > 0)
      history_.write(Line(now, "hold").add("id", id).add("until", now + left * kMs));
  }

  void let_go(const Plan &plan, const std::string &id, redilock_lock_t *lock) {
    if (plan.abandon) {
      history_.write(Line(now_us(), "abandon").add("id", id));
      return;
    }
    history_.write(Line(now_us(), "release").add("id", id));
    const int32_t status = redilock_release(lock);
    history_.write(
        Line(now_us(), "released").add("id", id).add("status", redilock_status_name(status)));
  }

  void write(const Plan &plan, const std::string &id, redilock_lock_t *lock) {
    const int64_t fence = redilock_lock_fence(lock);
    int64_t last = 0;
    const bool taken = board_.store(plan.name, fence, last);
    const bool held = redilock_lock_is_held(lock) != 0;
    history_.write(Line(now_us(), "write")
                       .add("id", id)
                       .add("fence", fence)
                       .add("last", last)
                       .add("taken", taken ? 1 : 0)
                       .add("held", held ? 1 : 0));
  }

  const WorkerSettings &settings_;
  redilock_client_t *client_;
  Canceller &canceller_;
  const History &history_;
  Board &board_;
  const int slot_;
  std::mt19937_64 random_;
  redilock_op_t *op_ = nullptr;
  int64_t count_ = 0;
};

}  // namespace

int run_worker(const WorkerSettings &settings) {
  const History history(settings.folder + "/history.jsonl");
  Board &board = map_board(settings.folder + "/board");
  redilock_client_t *client = nullptr;
  char error[256] = "";
  const int32_t status = redilock_new(settings.url.c_str(), nullptr, &client, error, sizeof error);
  if (status != REDILOCK_OK) give_up(error, status);
  {
    Canceller canceller;
    std::vector<std::thread> threads;
    for (int slot = 0; slot < kThreads; ++slot)
      threads.emplace_back(
          [&, slot] { Worker(settings, client, canceller, history, board, slot).run(); });
    for (std::thread &thread : threads) thread.join();
  }
  redilock_free(client);
  return 0;
}

}  // namespace fault
