// What it costs to wait: the requests a second that waiters make who wait behind a holder, and the
// processor time of their processes.
#include <time.h>

#include <thread>

#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_pair.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"
#include "values/name.hpp"

namespace bench {
namespace {

constexpr unsigned kLimitSeconds = 60;
constexpr int64_t kJoinNs = INT64_C(10000000000);
const std::string kHolder = "redilock:0123456789abcdef0123456789abcdef:holder";

struct Crowd {
  const char *name;
  int processes, threads;
};

void wait_for_ever(const Server &server, int threads) {
  redilock_client_t *raw = nullptr;
  cli::bench_check(redilock_new(server.url(true).c_str(), nullptr, &raw, nullptr, 0));
  const cli::Client client(raw);
  std::vector<std::thread> waiting;
  for (int i = 0; i < threads; ++i)
    waiting.emplace_back([&] {
      const cli::Op op = cli::bench_op(client, "job");
      redilock_lock_t *lock = nullptr;
      cli::bench_check(redilock_op_set(op.get(), "wait", "forever"));
      const int32_t status = redilock_op_acquire(op.get(), &lock);
      cli::bench_check(status == REDILOCK_OK ? REDILOCK_E_INTERNAL : status);  // ends the process
    });
  for (std::thread &thread : waiting) thread.join();
}

double cpu_ms(pid_t pid) {
  clockid_t clock;
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
    throw cli::Failure(cli::kExitInternal, "a waiting process has ended");
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

void await_queue(const Context &context, long long waiters) {
  const int64_t end = cli::monotonic_ns() + kJoinNs;
  while (ask(context, {"ZCARD", std::string(redilock::LockKeys("", "job").queue())})->integer !=
         waiters) {
    if (cli::monotonic_ns() > end) throw cli::Failure(cli::kExitInternal, "waiters do not queue");
    cli::sleep_us(5000);
  }
}

cli::FigureRow watch(const Crowd &crowd, int64_t run_ms) {
  const Server server;
  const Context context = server.connect(false);
  ask(context, {"SET", "job", kHolder, "PX", "600000"});
  const cli::Workers workers(crowd.processes, kLimitSeconds,
                             [&](int) { wait_for_ever(server, crowd.threads); });
  await_queue(context, crowd.processes * crowd.threads);

  const auto all_cpu_ms = [&] {
    double sum = 0;
    for (const pid_t pid : workers.pids()) sum += cpu_ms(pid);
    return sum;
  };
  const double cpu_before = all_cpu_ms();
  const CommandStats before = server.stats();
  cli::sleep_us(static_cast<long>(run_ms) * 1000);
  const CommandStats stats = server.stats() - before;
  const double cpu = all_cpu_ms() - cpu_before, seconds = static_cast<double>(run_ms) / 1000;
  await_queue(context, crowd.processes * crowd.threads);  // nobody gave up meanwhile
  const auto found = stats.find("evalsha");
  const double scripts = found == stats.end() ? 0 : found->second.calls;
  return {crowd.name,
          {{"waiters", crowd.processes * crowd.threads},
           {"scripts_per_s", scripts / seconds},
           {"scripts_per_s_each_process", scripts / seconds / crowd.processes},
           {"cpu_ms_per_s_each_process", cpu / seconds / crowd.processes}}};
}

}  // namespace

void measure_waiting(const Times &times, Figures &figures) {
  std::vector<cli::FigureRow> rows;
  for (const Crowd &crowd :
       {Crowd{"alone", 1, 1}, Crowd{"8_processes", 8, 1}, Crowd{"100_threads", 1, 100}})
    rows.push_back(watch(crowd, times.waiting_ms));
  figures.push_back(
      {"waiting", "waiters of one lock behind a holder: requests and processor time", rows});
}

}  // namespace bench
