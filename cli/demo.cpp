// `redilock demo`: real processes count together under one lock on a private server, one of them is
// killed while it holds the lock, and the sums at the end must be right.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "commands.hpp"
#include "demo_score.hpp"
#include "demo_worker.hpp"
#include "private_server.hpp"
#include "process.hpp"
#include "text.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kVictim = 2;
constexpr int kHoldAt = kDemoRounds / 2;
constexpr std::chrono::seconds kLimit{30};  // without a grant
constexpr std::chrono::milliseconds kRedraw{100};

std::string process_text(int index) { return "process " + std::to_string(index + 1); }

struct Worker {
  pid_t pid = -1;
  Fd pipe;
  std::string unread;
  bool ready = false;
  std::string message;  // the last thing that it said of what went wrong
  bool running() const { return pid > 0; }
};

bool ready(const Worker &worker) { return worker.ready || !worker.running(); }

class Demo {
 public:
  explicit Demo(Signals &signals)
      : signals_(signals), server_(folder_, signals), counter_(folder_.file("counter")) {}

  ~Demo() {
    for (Worker &worker : workers_) end(worker);
  }

  int run() {
    const Fd counter(open(counter_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (counter.get() < 0) throw Failure(kExitInternal, counter_ + ": " + std::strerror(errno));
    say("redis-server " + std::to_string(server_.pid()) + " listens on a unix socket of its own");
    say(std::to_string(kDemoProcesses) + " processes add 1 to a file " +
        std::to_string(kDemoRounds) + " times each, under one lock (ttl " +
        human_duration(kDemoTtlMs) + ")");
    flock(counter.get(), LOCK_EX);
    for (int i = 0; i < kDemoProcesses; ++i) start(i, kDemoRounds, i == kVictim ? kHoldAt : -1);
    starter_ = counter.get();
    score_.start();
    const int signal = follow();
    erase();
    if (signal != 0) return kExitSignal + signal;
    score_.end();
    return sum_up(counter.get());
  }

 private:
  void start(int index, int rounds, int hold_at) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw Failure(kExitInternal, std::string("pipe: ") + std::strerror(errno));
    }
    Worker &worker = workers_[static_cast<size_t>(index)];
    worker.pipe = Fd(ends[0]);
    const Fd write_end(ends[1]);
    fcntl(worker.pipe.get(), F_SETFL, O_NONBLOCK);
    ProcessSpec spec;
    spec.argv = {"/proc/self/exe", "demo", "--url", server_.url(), "--file", counter_};
    spec.argv.insert(spec.argv.end(), {"--worker", std::to_string(rounds)});
    spec.argv.insert(spec.argv.end(), {"--hold-at", std::to_string(hold_at)});
    spec.death_signal = SIGKILL;
    spec.stdout_fd = write_end.get();
    worker.pid = start_process(spec, signals_);
  }

  static void end(Worker &worker) {
    if (!worker.running()) return;
    kill(worker.pid, SIGKILL);
    waitpid(worker.pid, nullptr, 0);
    worker.pid = -1;
    worker.pipe.reset();
  }

  // Returns 0 when all workers are through or one failed, or the signal that ends the demo.
  int follow() {
    const auto running = [](const Worker &worker) { return worker.running(); };
    while (!score_.failed() && std::any_of(workers_.begin(), workers_.end(), running)) {
      wait_for_news();
      const int signal = ending_signal(signals_);
      if (signal != 0) return signal;
      for (int i = 0; i < kDemoProcesses; ++i) read_all(i);
      if (starter_ >= 0 && std::all_of(workers_.begin(), workers_.end(), ready)) start_all();
      if (holding_) kill_holder();
      if (score_.took_over() && !restarted_) restart();
      if (score_.idle() > kLimit) throw Failure(kExitTimedOut, "the demo hangs");
      draw();
    }
    return 0;
  }

  void wait_for_news() const {
    std::array<pollfd, kDemoProcesses + 1> polled;
    for (size_t i = 0; i < kDemoProcesses; ++i) polled[i] = {workers_[i].pipe.get(), POLLIN, 0};
    polled[kDemoProcesses] = {signals_.fd(), POLLIN, 0};
    poll(polled.data(), polled.size(), static_cast<int>(kRedraw.count()));
  }

  void read_all(int index) {
    Worker &worker = workers_[static_cast<size_t>(index)];
    if (!worker.running()) return;
    char buffer[4096];
    ssize_t got;
    while ((got = read(worker.pipe.get(), buffer, sizeof buffer)) > 0) {
      worker.unread.append(buffer, static_cast<size_t>(got));
    }
    size_t line_end;
    while ((line_end = worker.unread.find('\n')) != std::string::npos) {
      heard(index, worker.unread.substr(0, line_end));
      worker.unread.erase(0, line_end + 1);
    }
    if (got != 0) return;
    if (!worker.unread.empty()) heard(index, worker.unread);
    worker.unread.clear();
    ended(index);
  }

  void heard(int index, const std::string &line) {
    Worker &worker = workers_[static_cast<size_t>(index)];
    if (line == "hold") {
      holding_ = true;
    } else if (line == "ready") {
      worker.ready = true;
    } else if (line.rfind("grant ", 0) == 0) {
      score_.grant(index, std::chrono::microseconds(std::stoll(line.substr(6))));
    } else {
      worker.message = line;
      event(process_text(index) + " says: " + line);
    }
  }

  void ended(int index) {
    Worker &worker = workers_[static_cast<size_t>(index)];
    int status = 0;
    waitpid(worker.pid, &status, 0);
    worker.pid = -1;
    worker.pipe.reset();
    const int code = exit_code_of_wait(status);
    if (code == 0) return;
    const std::string text = process_text(index) + " ended with " + std::to_string(code);
    score_.fail(worker.message.empty() ? text : text + ", " + worker.message);
    event(text);
  }

  // Those that are ready wait for the lock of the file.
  void start_all() {
    flock(starter_, LOCK_UN);
    starter_ = -1;
    score_.start();
  }

  // Every grant is reported before its release, so once the pipes were read again, none of before
  // the kill is left in them.
  void kill_holder() {
    holding_ = false;
    for (int i = 0; i < kDemoProcesses; ++i) read_all(i);
    end(workers_[kVictim]);
    score_.kill();
    event(process_text(kVictim) + " is killed with -9 while it holds the lock");
  }

  void restart() {
    restarted_ = true;
    event("the next one got the lock " + demo_seconds(score_.outage()) +
          " after the kill, when the lease ran out");
    start(kVictim, kDemoRounds - score_.grants(kVictim), -1);
    event(process_text(kVictim) + " is started again for the rest of its turns");
  }

  int sum_up(int counter) const {
    int64_t counted = -1;
    if (pread(counter, &counted, sizeof counted, 0) < 0) counted = -1;
    print("\n" + score_.report(counted));
    return score_.good(counted) ? kExitOk : kExitInternal;
  }

  void say(const std::string &line) {
    erase();
    print(line + "\n");
  }

  void event(const std::string &what) { say("  " + demo_seconds(score_.running()) + "  " + what); }

  void draw() {
    const auto now = Clock::now();
    if (!terminal_ || now - drawn_at_ < kRedraw) return;
    drawn_at_ = now;
    std::string line = "  " + demo_seconds(score_.running()) + "  " +
                       std::to_string(score_.all_grants()) + " of " +
                       std::to_string(kDemoExpected) + ", by process:";
    for (int i = 0; i < kDemoProcesses; ++i) line += " " + std::to_string(score_.grants(i));
    print("\r\033[K" + line);
    drawn_ = true;
  }

  void erase() {
    if (drawn_) print("\r\033[K");
    drawn_ = false;
  }

  Signals &signals_;
  const PrivateFolder folder_;
  const PrivateServer server_;
  const std::string counter_;
  std::array<Worker, kDemoProcesses> workers_;
  DemoScore score_;
  int starter_ = -1;      // the file, while it keeps the workers from starting
  bool holding_ = false;  // the victim has the lock and waits for its end
  bool restarted_ = false;
  const bool terminal_ = isatty(STDOUT_FILENO) == 1;
  bool drawn_ = false;
  Clock::time_point drawn_at_;
};

int demo(const Args &args) {
  args.expect_at_most(0);
  if (args.has("--worker")) return demo_worker(args);
  for (const char *flag : {"--url", "--password-file", "--option"}) {
    if (args.has(flag))
      throw UsageError(std::string(flag) + " is for other servers than the demo's own");
  }
  Signals signals;
  return Demo(signals).run();
}

}  // namespace

const Command kDemoCommand = {
    "demo",
    "",
    "Show the lock at work on a private redis-server",
    "Eight processes count together in a file; one is killed with -9 while it holds the lock. "
    "Needs\n"
    "redis-server in PATH, takes a few seconds and leaves nothing behind. The exit code is 0 if\n"
    "nothing was lost.\n",
    {
        {"--worker", "ROUNDS", nullptr},
        {"--file", "FILE", nullptr},
        {"--hold-at", "ROUND", nullptr},
    },
    demo,
};

}  // namespace cli
