// Ten thousand asynchronous waiters of a hundred names in one process: its threads, connections and
// memory, what they ask of the server, and how long it takes to grant or cancel all of them.
#include <poll.h>
#include <time.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_pair.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"
#include "values/name.hpp"

namespace bench {
namespace {

constexpr unsigned kLimitSeconds = 120;
constexpr long kWatchSeconds = 4;  // two rounds of re-checks
constexpr int kNames = 100, kWaiters = 10000;
constexpr int64_t kPatienceNs = INT64_C(30000000000);
const std::string kHolder = "redilock:0123456789abcdef0123456789abcdef:holder";

struct Found {
  double threads, connections, memory_mib, queued_s, scripts_per_s, cpu_ms_per_s, served_s,
      out_of_order, cancelled_s;
};

std::string name_of(uint64_t tag) { return "job" + std::to_string(tag % kNames); }

double seconds_since(int64_t ns) { return static_cast<double>(cli::monotonic_ns() - ns) / 1e9; }

// A number of /proc/self/status.
double of_this_process(const char *what) {
  std::FILE *file = std::fopen("/proc/self/status", "re");
  char line[256];
  double number = -1;
  while (file != nullptr && number < 0 && std::fgets(line, sizeof line, file) != nullptr)
    if (std::strncmp(line, what, std::strlen(what)) == 0)
      number = std::strtod(line + std::strlen(what) + 1, nullptr);
  if (file != nullptr) std::fclose(file);
  return number;
}

double cpu_ms() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

class Crowd {
 public:
  explicit Crowd(const Server &server) : server_(server), context_(server.connect(false)) {
    redilock_client_t *raw = nullptr;
    cli::bench_check(redilock_new(server.url(true).c_str(), nullptr, &raw, nullptr, 0));
    client_.reset(raw);
  }

  // Behind holders that are not of this process.
  void queue() {
    for (uint64_t name = 0; name < kNames; ++name)
      ask(context_, {"SET", name_of(name), kHolder, "PX", "600000"});
    ops_.resize(kWaiters);
    for (uint64_t tag = 0; tag < kWaiters; ++tag) {
      if (!ops_[tag]) ops_[tag] = cli::bench_op(client_, name_of(tag));
      cli::bench_check(redilock_op_set_int(ops_[tag].get(), "wait", -1));
      cli::bench_check(redilock_op_submit_acquire(ops_[tag].get(), tag));
    }
    await_queue(kWaiters);
  }

  void await_queue(long long waiters) const {
    const int64_t end = cli::monotonic_ns() + kPatienceNs;
    for (long long queued = -1; queued != waiters; cli::sleep_us(2000)) {
      queued = 0;
      for (uint64_t name = 0; name < kNames; ++name)
        queued +=
            ask(context_, {"ZCARD", std::string(redilock::LockKeys("", name_of(name)).queue())})
                ->integer;
      if (cli::monotonic_ns() > end) throw cli::Failure(cli::kExitInternal, "they do not queue");
    }
  }

  // Those that run scripts or are subscribed, which none but the client's are.
  double connections() const {
    const std::string list = ask(context_, {"CLIENT", "LIST"})->str;
    double count = 0;
    for (const std::string last : {" cmd=evalsha ", " cmd=eval ", " cmd=subscribe "})
      for (size_t at = list.find(last); at != list.npos; at = list.find(last, at + 1)) ++count;
    return count;
  }

  void watch(Found &found) const {
    const CommandStats before = server_.stats();
    const double cpu_before = cpu_ms(), seconds = kWatchSeconds;
    cli::sleep_us(kWatchSeconds * 1000000);
    found.cpu_ms_per_s = (cpu_ms() - cpu_before) / seconds;
    const CommandStats stats = server_.stats() - before;
    const auto scripts = stats.find("evalsha");
    found.scripts_per_s = scripts == stats.end() ? 0 : scripts->second.calls / seconds;
  }

  // The holders release; then who was granted does, until all were. Returns how many were not granted
  // in the order of their submission.
  int serve() {
    for (uint64_t name = 0; name < kNames; ++name)
      cli::bench_check(redilock_release_token(client_.get(), name_of(name).data(),
                                              name_of(name).size(), kHolder.data(), kHolder.size(),
                                              nullptr, 0));
    std::vector<cli::Lock> locks(kWaiters);
    std::vector<uint64_t> next(kNames);
    int out_of_order = 0;
    for (int released = 0; released < kWaiters;) {
      const uint64_t tag = take(REDILOCK_OK);
      if (locks[tag]) {
        locks[tag].reset();
        ++released;
        continue;
      }
      if (tag / kNames != next[tag % kNames]++) ++out_of_order;
      redilock_lock_t *lock = nullptr;
      cli::bench_check(redilock_op_take_lock(ops_[tag].get(), &lock));
      locks[tag].reset(lock);
      cli::bench_check(redilock_op_submit_release(ops_[tag].get(), lock, tag));
    }
    return out_of_order;
  }

  void cancel() {
    for (const cli::Op &op : ops_) redilock_op_cancel(op.get());
    for (int i = 0; i < kWaiters; ++i) take(REDILOCK_E_CANCELLED);
    await_queue(0);
  }

 private:
  // The tag of the next completion, which has to say this.
  uint64_t take(int32_t expected) {
    int32_t fd = -1, kind = 0, status = REDILOCK_OK;
    uint64_t tag = 0;
    cli::bench_check(redilock_client_fd(client_.get(), &fd));
    for (;;) {
      cli::bench_check(redilock_client_next(client_.get(), &tag, &kind, &status));
      if (kind != 0 && status == expected) return tag;
      if (kind != 0) cli::bench_check(status == REDILOCK_OK ? REDILOCK_E_INTERNAL : status);
      pollfd polled{fd, POLLIN, 0};
      if (poll(&polled, 1, static_cast<int>(kPatienceNs / 1000000)) == 0)
        throw cli::Failure(cli::kExitInternal, "no completion comes");
    }
  }

  const Server &server_;
  const Context context_;
  cli::Client client_;
  std::vector<cli::Op> ops_;
};

void measure(const Server &server, Found &found) {
  Crowd crowd(server);
  const double threads = of_this_process("Threads"), kib = of_this_process("VmRSS");
  int64_t began = cli::monotonic_ns();
  crowd.queue();
  found.queued_s = seconds_since(began);
  found.threads = of_this_process("Threads") - threads;
  found.connections = crowd.connections();
  found.memory_mib = (of_this_process("VmRSS") - kib) / 1024;
  crowd.watch(found);
  began = cli::monotonic_ns();
  found.out_of_order = crowd.serve();
  found.served_s = seconds_since(began);
  crowd.queue();
  began = cli::monotonic_ns();
  crowd.cancel();
  found.cancelled_s = seconds_since(began);
}

}  // namespace

void measure_async(const Times &, Figures &figures) {
  const Server server;
  const cli::SharedMemory memory(sizeof(Found));
  Found &found = *memory.as<Found>();
  cli::Workers(1, kLimitSeconds, [&](int) { measure(server, found); }).join();
  figures.push_back({"async",
                     "asynchronous waiters of 100 names in one process, behind holders",
                     {{"10000_waiters",
                       {{"threads", found.threads},
                        {"connections", found.connections},
                        {"memory_mib", found.memory_mib},
                        {"scripts_per_s", found.scripts_per_s},
                        {"cpu_ms_per_s", found.cpu_ms_per_s},
                        {"queued_s", found.queued_s},
                        {"served_s", found.served_s},
                        {"out_of_order", found.out_of_order},
                        {"cancelled_s", found.cancelled_s}}}}});
}

}  // namespace bench
