// Two processes hand a lock to each other, and by turns with that a ball: a message that a script
// publishes and the other, subscribed by bare hiredis, receives. Both count from just before the
// request until the other side has returned from waiting.
#include <sched.h>

#include <atomic>

#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_pair.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"

namespace bench {
namespace {

constexpr int kRounds = 60;  // hand-offs of each process in a slice
constexpr size_t kMostSlices = 2000;
constexpr long kHoldUs = 400;
constexpr long kThinkUs = 100;
constexpr unsigned kLimitSeconds = 90;
const std::string kThrow = "return redis.call('PUBLISH', ARGV[1], ARGV[2])";
const std::string kBall = "0123456789abcdef0123456789abcdef 1234567890123456 1234567890123456";

struct Board {
  cli::Barrier barrier;
  std::atomic<int64_t> sent;  // when the last release or throw began
  std::atomic<int> sender;
  std::atomic<bool> go_on;
  std::atomic<size_t> slices;
  double lock_us[2][kMostSlices], ball_us[2][kMostSlices];
};

double us_since(int64_t sent) { return static_cast<double>(cli::monotonic_ns() - sent) / 1000; }

class Player {
 public:
  Player(const Server &server, Board &board, int index)
      : board_(board), me_(index), messages_(server.connect(true)), throws_(server.connect(true)) {
    redilock_client_t *client = nullptr;
    cli::bench_check(redilock_new(server.url(true).c_str(), nullptr, &client, nullptr, 0));
    client_.reset(client);
    op_ = cli::bench_op(client_, "job");
    sha_ = ask(throws_, {"SCRIPT", "LOAD", kThrow})->str;
    ask(messages_, {"SUBSCRIBE", channel(me_)});
  }

  double lock_slice() {
    std::vector<double> spans;
    for (int i = 0; i < kRounds; ++i) {
      const int64_t asked = cli::monotonic_ns();
      const cli::Lock lock = cli::bench_acquire(op_);
      const double span = us_since(board_.sent.load());
      // Only where this process was waiting in the queue when the other released.
      if (board_.sender.load() != me_ && asked + kThinkUs * 1000 < board_.sent.load())
        spans.push_back(span);
      cli::sleep_us(kHoldUs);
      send();
      cli::bench_release(op_, lock);
      cli::sleep_us(kThinkUs);
    }
    return cli::Sorted(std::move(spans)).median();
  }

  double ball_slice() {
    std::vector<double> spans;
    for (int i = 0; i < kRounds; ++i) {
      if (me_ == 0) pass();
      void *message = nullptr;
      if (redisGetReply(messages_.get(), &message) != REDIS_OK)
        throw cli::Failure(cli::kExitInternal, "the ball did not come");
      spans.push_back(us_since(board_.sent.load()));
      freeReplyObject(message);
      if (me_ == 1) pass();
    }
    return cli::Sorted(std::move(spans)).median();
  }

 private:
  static std::string channel(int of) { return "ball:" + std::to_string(of); }
  void send() {
    board_.sender.store(me_);
    board_.sent.store(cli::monotonic_ns());
  }
  void pass() {
    cli::sleep_us(kHoldUs);
    send();
    const Reply reply(static_cast<redisReply *>(redisCommand(throws_.get(), "EVALSHA %s 0 %s %b",
                                                             sha_.c_str(), channel(1 - me_).c_str(),
                                                             kBall.data(), kBall.size())));
    if (!reply || reply->integer != 1)
      throw cli::Failure(cli::kExitInternal, "the ball was not caught");
  }

  Board &board_;
  const int me_;
  const Context messages_, throws_;
  std::string sha_;
  cli::Client client_;
  cli::Op op_;
};

void play(const Server &server, Board &board, int me, int64_t run_ms) {
  Player player(server, board, me);
  const int64_t end = cli::monotonic_ns() + run_ms * 1000000;
  for (size_t slice = 0; slice < kMostSlices; ++slice) {
    if (me == 0) board.go_on.store(slice < 3 || cli::monotonic_ns() < end);
    board.barrier.wait();
    if (!board.go_on.load()) break;
    board.lock_us[me][slice] = player.lock_slice();
    board.barrier.wait();
    board.ball_us[me][slice] = player.ball_slice();
    board.barrier.wait();
    if (me == 0) board.slices.store(slice + 1);
  }
}

cli::FigureRow judge(const char *name, const Board &board) {
  std::vector<double> locks, balls, ratios;
  for (size_t i = 1; i < board.slices.load(); ++i) {  // the first is to warm up
    const double lock = (board.lock_us[0][i] + board.lock_us[1][i]) / 2;
    const double ball = (board.ball_us[0][i] + board.ball_us[1][i]) / 2;
    locks.push_back(lock);
    balls.push_back(ball);
    ratios.push_back(lock / ball);
  }
  const cli::Sorted ratio(std::move(ratios));
  return {name,
          {{"redilock_us", cli::Sorted(std::move(locks)).median()},
           {"ping_us", cli::Sorted(std::move(balls)).median()},
           {"ratio", ratio.median()},
           {"ratio_q1", ratio.at(0.25)},
           {"ratio_q3", ratio.at(0.75)}}};
}

cli::FigureRow match(const char *name, int64_t run_ms) {
  const Server server;
  const cli::SharedMemory memory(sizeof(Board));
  auto &board = *memory.as<Board>();
  board.barrier.set_up(2);
  board.sender.store(-1);
  cli::Workers players(2, kLimitSeconds, [&](int index) { play(server, board, index, run_ms); });
  players.join();
  return judge(name, board);
}

}  // namespace

void measure_latency(const Times &times, Figures &figures) {
  const cli::Spinners spinners(kLimitSeconds);
  std::vector<cli::FigureRow> rows;
  rows.push_back(match("all_processors", times.ping_ms));
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  cli::pin_to_one_core();
  rows.push_back(match("one_processor", times.ping_ms));
  sched_setaffinity(0, sizeof before, &before);
  figures.push_back({"latency",
                     "from a release to the other process' acquire, against a message from a "
                     "script to a subscriber",
                     rows});
}

}  // namespace bench
