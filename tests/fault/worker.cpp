// The life of a worker's thread: ask, hold, write, let go.
#include "fault/worker.hpp"

#include <redilock/redilock.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "fault/async_caller.hpp"
#include "fault/caller.hpp"

namespace fault {

namespace {

constexpr int kThreads = 3;
constexpr int64_t kMs = 1000;

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

// A thread that blocks in its calls.
class Worker : Caller {
 public:
  Worker(const WorkerSettings &settings, redilock_client_t *client, Canceller &canceller,
         const History &history, Board &board, int slot)
      : Caller(settings, history, board, slot), canceller_(canceller), slot_(slot) {
    need(redilock_op_new(client, &op_), "op_new");
  }
  ~Worker() { redilock_op_free(op_); }

  void run() {
    while (board_.stop.load() == 0) {
      if (board_.lull.load() == 0) attempt(plan());
      sleep_until(now_us() + (board_.lull.load() == 0 ? between(0, 30) : 5) * kMs);
    }
  }

 private:
  void attempt(const Plan &plan) {
    const std::string id = prepare(op_, plan);
    if (plan.cancel_after_us > 0) canceller_.set(slot_, op_, now_us() + plan.cancel_after_us);
    Holding holding;
    const int32_t status = redilock_op_acquire(op_, &holding.lock);
    const int64_t returned = now_us();
    canceller_.set(slot_, op_, 0);
    holding.until = tell_end(op_, id, status, holding.lock, returned);
    if (status != REDILOCK_OK) return;
    hold(plan, id, holding);
    redilock_lock_free(holding.lock);
  }

  // Holds, and lets go.
  void hold(const Plan &plan, const std::string &id, Holding &holding) {
    holding.end = now_us() + plan.hold_ms * kMs;
    bool extend = plan.extend;
    for (;;) {
      if (!go_on(plan, id, holding)) {
        revive(plan, id, holding.lock, holding.until);
        break;
      }
      const int64_t now = now_us();
      if (now >= holding.end || is_calm()) break;
      if (extend && now >= holding.end - plan.hold_ms * kMs / 2) {
        extend = false;
        tell("extending", id);
        tell("extend", id, redilock_extend(holding.lock, plan.ttl_ms));
      }
      sleep_until(std::min(now + 3 * kMs, std::max(holding.end, now)));
    }
    let_go(plan, id, holding.lock);
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
    if (plan.abandon) return tell("abandon", id);
    tell("release", id);
    tell("released", id, redilock_release(lock));
  }

  Canceller &canceller_;
  const int slot_;
  redilock_op_t *op_ = nullptr;
};

}  // namespace

redilock_client_t *new_client(const WorkerSettings &settings) {
  redilock_client_t *client = nullptr;
  char error[256] = "";
  need(redilock_new(settings.url.c_str(), nullptr, &client, error, sizeof error), error);
  return client;
}

int run_worker(const WorkerSettings &settings) {
  const History history(settings.folder + "/history.jsonl");
  Board &board = map_board(settings.folder + "/board");
  redilock_client_t *client = new_client(settings);
  {
    Canceller canceller;
    std::vector<std::thread> threads;
    for (int slot = 0; slot < kThreads; ++slot)
      threads.emplace_back(
          [&, slot] { Worker(settings, client, canceller, history, board, slot).run(); });
    // One among those that block, by the same client; and one that closes its own now and then.
    threads.emplace_back([&] { run_async(settings, history, board, kThreads, client); });
    threads.emplace_back([&] { run_async(settings, history, board, kThreads + 1, nullptr); });
    for (std::thread &thread : threads) thread.join();
  }
  redilock_free(client);
  return 0;
}

}  // namespace fault
