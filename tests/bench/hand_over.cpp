// Eight processes and the server's account of it, by turns with a bare lock: the two shortest scripts
// that queue and hand on, by hiredis. That one has no fence, and gives the lock to the dead as well.
#include <unistd.h>

#include <memory>

#include "../../cli/bench_hand_over.hpp"
#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"

namespace bench {
namespace {

constexpr unsigned kSpinSeconds = 120;
constexpr int kTurns = 3;
const std::string kTake =
    "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', 30000) then return 1 end "
    "redis.call('RPUSH', KEYS[2], ARGV[1]) return 0";
const std::string kGive =
    "local next = redis.call('LPOP', KEYS[2]) "
    "if not next then return redis.call('DEL', KEYS[1]) end "
    "redis.call('SET', KEYS[1], next, 'PX', 30000) return redis.call('PUBLISH', next, '')";

class BareContestant final : public cli::Contestant {
 public:
  explicit BareContestant(const Server &server)
      : me_("bare:" + std::to_string(getpid())),
        messages_(server.connect(true)),
        scripts_(server.connect(true)),
        take_(ask(scripts_, {"SCRIPT", "LOAD", kTake})->str),
        give_(ask(scripts_, {"SCRIPT", "LOAD", kGive})->str) {
    ask(messages_, {"SUBSCRIBE", me_});
  }
  void take() override {
    if (ask(scripts_, {"EVALSHA", take_, "2", "bare", "bare:queue", me_})->integer == 1) return;
    void *message = nullptr;
    if (redisGetReply(messages_.get(), &message) != REDIS_OK)
      throw cli::Failure(cli::kExitInternal, "the bare lock was not handed on");
    freeReplyObject(message);
  }
  void give() override { ask(scripts_, {"EVALSHA", give_, "2", "bare", "bare:queue"}); }

 private:
  const std::string me_;
  const Context messages_, scripts_;
  const std::string take_, give_;
};

// Of rows with the same columns.
cli::FigureRow medians(const std::string &name, const std::vector<cli::FigureRow> &rows) {
  cli::FigureRow middle{name, rows.front().values};
  for (size_t column = 0; column < middle.values.size(); ++column) {
    std::vector<double> values;
    for (const cli::FigureRow &row : rows) values.push_back(row.values[column].second);
    middle.values[column].second = cli::Sorted(std::move(values)).median();
  }
  return middle;
}

bool is_script(const std::string &name) { return name == "evalsha" || name == "eval"; }

// Of connecting and of measuring, not of locks.
bool is_other(const std::string &name) {
  return name == "info" || name == "subscribe" || name == "select" || name.rfind("client", 0) == 0;
}

void add_server_share(const CommandStats &stats, cli::FigureRow &row) {
  Calls scripts;
  double inner = 0;
  for (const auto &[name, calls] : stats) {
    if (is_script(name)) {
      scripts.calls += calls.calls;
      scripts.us += calls.us;
    } else if (!is_other(name)) {
      inner += calls.calls;
    }
  }
  // The statistics count the warm-up too, so what was done is told by the deletes and pushes.
  const auto calls_of = [&](const char *name) {
    const auto found = stats.find(name);
    return found == stats.end() ? 0.0 : found->second.calls;
  };
  const double grants = calls_of("publish") + calls_of("del");
  row.values.insert(row.values.end(), {{"scripts_each", scripts.calls / grants},
                                       {"inner_calls_each", inner / grants},
                                       {"server_us_each", scripts.us / grants}});
}

}  // namespace

void measure_hand_over(const Times &times, Figures &figures) {
  const cli::Spinners spinners(kSpinSeconds);
  const Server server;
  cli::HandOver ours, bare;
  ours.run_ms = bare.run_ms = times.hand_over_ms / (2 * kTurns);
  ours.join = [&] {
    redilock_client_t *client = nullptr;
    cli::bench_check(redilock_new(server.url(true).c_str(), nullptr, &client, nullptr, 0));
    return cli::contestant(cli::Client(client), "job");
  };
  bare.join = [&] { return std::make_unique<BareContestant>(server); };
  std::vector<cli::FigureRow> of_ours, of_bare;
  const auto measure = [&](const cli::HandOver &plan) {
    const CommandStats before = server.stats();
    cli::FigureRow row = cli::measure_hand_over(plan);
    add_server_share(server.stats() - before, row);
    return row;
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    of_bare.push_back(measure(bare));
    of_ours.push_back(measure(ours));
  }
  figures.push_back({"hand_over",
                     "8 processes hold 2 ms and think 2 ms, processors kept awake, by turns with a "
                     "bare lock of two scripts; medians; scripts and their inner calls are per "
                     "hand-off",
                     {medians("redilock", of_ours), medians("bare", of_bare)}});
}

}  // namespace bench
