// Each process writes down, by the clock they share, when it got the lock and when it began to give
// it back. The parent then puts the records into one order.
#include "bench_hand_over.hpp"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "bench_lock.hpp"
#include "bench_pair.hpp"
#include "bench_processes.hpp"

namespace cli {
namespace {

constexpr int64_t kNsPerMs = 1000000;
constexpr int64_t kWarmUpMs = 300;
constexpr unsigned kGraceSeconds = 30;

struct Span {
  int64_t acquired, released;  // ns
};

// What a window of time saw.
struct Board {
  Barrier barrier;
  std::atomic<int64_t> start;  // of the window; 0 until the first process sets it
};

// The shared memory: the board, then for each process how many spans it has, then its spans.
class Records {
 public:
  explicit Records(const HandOver &plan)
      : room_(room_for(plan)),
        processes_(static_cast<size_t>(plan.processes)),
        memory_(sizeof(Board) + processes_ * (sizeof(int64_t) + room_ * sizeof(Span))) {
    board().barrier.set_up(static_cast<unsigned>(processes_));
  }

  Board &board() const { return *memory_.as<Board>(); }
  int64_t &count(size_t process) const { return counts()[process]; }
  Span *spans(size_t process) const {
    return reinterpret_cast<Span *>(counts() + processes_) + process * room_;
  }
  size_t room() const { return room_; }

 private:
  static size_t room_for(const HandOver &plan) {
    const int64_t turn_us = std::max<int64_t>(plan.hold_us + plan.think_us, 20);
    return static_cast<size_t>((plan.run_ms + 2 * kWarmUpMs) * 1000 / turn_us) + 1000;
  }
  int64_t *counts() const {
    return reinterpret_cast<int64_t *>(memory_.as<char>() + sizeof(Board));
  }

  const size_t room_, processes_;
  const SharedMemory memory_;
};

class LockContestant final : public Contestant {
 public:
  LockContestant(Client client, const std::string &name)
      : client_(std::move(client)), op_(bench_op(client_, name)) {}
  void take() override { lock_ = bench_acquire(op_); }
  void give() override { bench_release(op_, lock_); }

 private:
  const Client client_;
  const Op op_;
  Lock lock_;
};

int64_t window_end(const HandOver &plan, int64_t start) { return start + plan.run_ms * kNsPerMs; }

void fight(const HandOver &plan, const Records &records, size_t process) {
  const auto contestant = plan.join();
  int64_t &count = records.count(process);
  Board &board = records.board();
  board.barrier.wait();
  int64_t unset = 0;
  board.start.compare_exchange_strong(unset, monotonic_ns() + kWarmUpMs * kNsPerMs);
  const int64_t end = window_end(plan, board.start.load());
  while (monotonic_ns() < end && count < static_cast<int64_t>(records.room())) {
    contestant->take();
    Span &span = records.spans(process)[count++];
    span.acquired = monotonic_ns();
    sleep_us(static_cast<long>(plan.hold_us));
    span.released = monotonic_ns();
    contestant->give();
    sleep_us(static_cast<long>(plan.think_us));
  }
}

FigureRow judge(const HandOver &plan, const Records &records) {
  const int64_t start = records.board().start.load(), end = window_end(plan, start);
  std::vector<Span> all;
  std::vector<double> served, gaps;
  for (size_t process = 0; process < static_cast<size_t>(plan.processes); ++process) {
    double grants = 0;
    for (int64_t i = 0; i < records.count(process); ++i) {
      const Span &span = records.spans(process)[i];
      if (span.released < start || span.acquired >= end) continue;
      all.push_back(span);
      grants += 1;
    }
    served.push_back(grants);
  }
  std::sort(all.begin(), all.end(),
            [](const Span &one, const Span &other) { return one.acquired < other.acquired; });
  double held = 0, overlaps = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    held += static_cast<double>(std::min(all[i].released, end) - std::max(all[i].acquired, start));
    if (i == 0) continue;
    const int64_t gap = all[i].acquired - all[i - 1].released;
    if (gap < 0) overlaps += 1;
    gaps.push_back(static_cast<double>(gap) / 1000);
  }
  const Sorted latency(std::move(gaps)), each(served);
  const double most = each.at(1), least = each.at(0);
  const double seconds = static_cast<double>(plan.run_ms) / 1000;
  return {std::to_string(plan.processes) + "_processes",
          {{"busy_percent", held / (seconds * 1e9) * 100},
           {"hand_overs_per_s", static_cast<double>(all.size()) / seconds},
           {"least_served", least},
           {"most_served", most},
           {"apart_percent", most > 0 ? (most - least) / most * 100 : 0},
           {"latency_p50_us", latency.at(0.5)},
           {"latency_p90_us", latency.at(0.9)},
           {"latency_p99_us", latency.at(0.99)},
           {"latency_max_us", latency.at(1)},
           {"overlaps", overlaps}}};
}

}  // namespace

std::unique_ptr<Contestant> contestant(Client client, const std::string &name) {
  return std::make_unique<LockContestant>(std::move(client), name);
}

FigureRow measure_hand_over(const HandOver &plan) {
  const Records records(plan);
  const auto limit = static_cast<unsigned>(plan.run_ms / 1000) + kGraceSeconds;
  Workers workers(plan.processes, limit,
                  [&](int index) { fight(plan, records, static_cast<size_t>(index)); });
  workers.join();
  return judge(plan, records);
}

}  // namespace cli
