// `redilock bench`: how fast locks are on the user's own server. It knows the library alone, so it
// shows times, and for comparison the round trip of a script that finds nothing to do.
#include <unistd.h>

#include <memory>

#include "bench_figures.hpp"
#include "bench_hand_over.hpp"
#include "bench_lock.hpp"
#include "bench_pair.hpp"
#include "bench_processes.hpp"
#include "commands.hpp"
#include "text.hpp"

namespace cli {
namespace {

constexpr int kSlice = 50;
constexpr int64_t kMostProcesses = 1000;
constexpr int64_t kLongestRunMs = 600000;

struct Plan {
  int64_t processes, hold_ms, think_ms, run_ms;
};

int64_t number(const Args &args, const char *flag, int64_t otherwise, int64_t most) {
  if (!args.has(flag)) return otherwise;
  const std::string text = args.value(flag);
  const bool digits = text.find_first_not_of("0123456789") == text.npos;
  if (text.empty() || text.size() > 9 || !digits || std::stoll(text) < 1 || std::stoll(text) > most)
    throw UsageError(std::string(flag) + ": \"" + text + "\" is not a number from 1 to " +
                     std::to_string(most));
  return std::stoll(text);
}

Plan read_plan(const Args &args) {
  Plan plan{};
  plan.processes = number(args, "--processes", 8, kMostProcesses);
  plan.hold_ms = duration_ms("--hold", args.value("--hold", "2ms"));
  plan.think_ms = duration_ms("--think", args.value("--think", "2ms"));
  plan.run_ms = duration_ms("--for", args.value("--for", "5s"));
  if (plan.run_ms < 1 || plan.run_ms > kLongestRunMs) throw UsageError("--for: 1ms to 10m, please");
  if (plan.hold_ms > kBenchTtlMs / 2) throw UsageError("--hold: at most 5s, please");
  if (plan.think_ms > kLongestRunMs) throw UsageError("--think: at most 10m, please");
  return plan;
}

void round_trip(const Client &client, const std::string &name) {
  static const std::string nobody = "redilock:00000000000000000000000000000000:";
  const int32_t status = redilock_release_token(client.get(), name.data(), name.size(),
                                                nobody.data(), nobody.size(), nullptr, 0);
  if (status != REDILOCK_E_NOT_OWNER) bench_check(status);
}

// The first request is by an operation: if the server cannot be asked, its message says why.
FigureSection uncontended(const Args &args, const std::string &name, int64_t run_ms) {
  const Client client = make_client(args);
  const Op fenced = bench_op(client, name), plain = bench_op(client, name, false);
  bench_pair(fenced);
  const std::vector<Contender> contenders = {
      {"round_trip", [&] { round_trip(client, name); }},
      {"pair_fence", [&] { bench_pair(fenced); }},
      {"pair_fence_short", [&] { bench_short_pair(client, name); }},
      {"pair_no_fence", [&] { bench_pair(plain); }},
  };
  return {"uncontended",
          "acquire + release of a free lock, against one request that changes nothing",
          by_turns(contenders, {kSlice, run_ms})};
}

FigureSection fought_for(const Args &args, const std::string &name, const Plan &plan) {
  HandOver contest;
  contest.join = [&] { return contestant(make_client(args), name); };
  contest.processes = static_cast<int>(plan.processes);
  contest.hold_us = plan.hold_ms * 1000;
  contest.think_us = plan.think_ms * 1000;
  contest.run_ms = plan.run_ms;
  return {"hand_over",
          "processes fight for one lock, hold " + human_duration(plan.hold_ms) + ", think " +
              human_duration(plan.think_ms),
          {measure_hand_over(contest)}};
}

int bench(const Args &args) {
  args.expect_at_most(0);
  const Plan plan = read_plan(args);
  const std::string name =
      "bench:" + std::to_string(getpid()) + ":" + std::to_string(monotonic_ns());
  Figures figures;
  // Its client is gone before the processes are forked.
  figures.push_back(uncontended(args, name, plan.run_ms));
  const auto spinners =
      args.has("--spin") ? std::make_unique<Spinners>(kLongestRunMs / 1000 + 60) : nullptr;
  figures.push_back(fought_for(args, name, plan));
  print(args.has("--json") ? figures_json(figures) : figures_text(figures));
  return kExitOk;
}

}  // namespace

const Command kBenchCommand = {
    "bench",
    "",
    "Measure how fast locks are on the server",
    "Takes and gives back one lock of a name of its own: first alone, then by several processes\n"
    "that fight for it. Compare figures of one run only.\n",
    {
        {"--for", "DURATION", "how long each of the two parts runs (default 5s)"},
        {"--processes", "N", "how many fight for the lock (default 8)"},
        {"--hold", "DURATION", "how long each holds it (default 2ms)"},
        {"--think", "DURATION", "how long each pauses in between (default 2ms)"},
        {"--spin", nullptr, "keep the processors awake by processes of idle priority"},
        {"--json", nullptr, "print JSON"},
    },
    bench,
};

}  // namespace cli
