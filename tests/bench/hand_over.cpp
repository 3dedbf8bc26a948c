// Eight processes, and the server's account of it.
#include "../../cli/bench_hand_over.hpp"
#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"

namespace bench {
namespace {

constexpr unsigned kSpinSeconds = 120;

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
  cli::HandOver plan;
  plan.name = "job";
  plan.run_ms = times.hand_over_ms;
  plan.make_client = [&] {
    redilock_client_t *client = nullptr;
    cli::bench_check(redilock_new(server.url(true).c_str(), nullptr, &client, nullptr, 0));
    return cli::Client(client);
  };
  const CommandStats before = server.stats();
  cli::FigureRow row = cli::measure_hand_over(plan);
  add_server_share(server.stats() - before, row);
  figures.push_back({"hand_over",
                     "8 processes hold 2 ms and think 2 ms, processors kept awake; scripts and "
                     "their inner calls are per hand-over",
                     {row}});
}

}  // namespace bench
