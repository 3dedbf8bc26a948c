// `redilock demo`: real processes count together under one lock on a private server, one of them is
// killed while it holds the lock, and the sums at the end must be right.
#include "demo.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "commands.hpp"
#include "private_server.hpp"
#include "process.hpp"
#include "text.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kProcesses = 8;
constexpr int kRounds = 200;
constexpr int kExpected = kProcesses * kRounds;
constexpr int kVictim = 2;
constexpr int kHoldAt = kRounds / 2;
constexpr std::chrono::seconds kLimit{30};
constexpr milliseconds kRedraw{100};
// A dead holder's lease, and one re-check of whoever waits.
constexpr milliseconds kTakeOverLimit{kDemoTtlMs + 2500};

struct Worker {
  pid_t pid = -1;
  Fd pipe;
  std::string unread;
  int grants = 0;
  bool running() const { return pid > 0; }
};

std::string milliseconds_text(Clock::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fms", duration_cast<microseconds>(time).count() / 1000.0);
  return text;
}

std::string seconds_text(Clock::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fs", duration_cast<milliseconds>(time).count() / 1000.0);
  return text;
}

class Demo {
 public:
  explicit Demo(Signals &signals)
      : signals_(signals), server_(folder_, signals), counter_(folder_.file("counter")) {}

  ~Demo() {
    for (Worker &worker : workers_) end(worker);
  }

  int run() {
    const Fd created(open(counter_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (created.get() < 0) throw Failure(kExitInternal, counter_ + ": " + std::strerror(errno));
    say("redis-server " + std::to_string(server_.pid()) + " listens on a unix socket of its own");
    say(std::to_string(kProcesses) + " processes add 1 to a file " + std::to_string(kRounds) +
        " times each, under one lock (ttl " + human_duration(kDemoTtlMs) + ")");
    start_ = Clock::now();
    for (int i = 0; i < kProcesses; ++i) start_worker(i, kRounds, i == kVictim ? kHoldAt : -1);
    const int signal = follow();
    if (signal != 0) return kExitSignal + signal;
    end_ = Clock::now();
    return sum_up(created.get()) ? kExitOk : kExitInternal;
  }

 private:
  void start_worker(int index, int rounds, int hold_at) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw Failure(kExitInternal, std::string("pipe: ") + std::strerror(errno));
    }
    Worker &worker = workers_[static_cast<size_t>(index)];
    worker.pipe = Fd(ends[0]);
    const Fd write_end(ends[1]);
    fcntl(worker.pipe.get(), F_SETFL, O_NONBLOCK);
    ProcessSpec spec;
    spec.argv = {
        "/proc/self/exe",       "demo",   "--url",  server_.url(), "--worker",
        std::to_string(rounds), "--file", counter_, "--hold-at",   std::to_string(hold_at)};
    spec.death_signal = SIGKILL;
    spec.stdout_fd = write_end.get();
    worker.pid = start_process(spec, signals_);
  }

  static void end(Worker &worker) {
    if (!worker.running()) return;
    kill(worker.pid, SIGKILL);
    waitpid(worker.pid, nullptr, 0);
    worker.pid = -1;
  }

  // Returns when all workers are through, or the signal that ended the demo.
  int follow() {
    while (std::any_of(workers_.begin(), workers_.end(), [](auto &w) { return w.running(); })) {
      wait_for_news();
      while (const auto info = signals_.next()) {
        const int number = static_cast<int>(info->ssi_signo);
        if (number == SIGTSTP) {
          signals_.stop_self();
        } else if (number != SIGCHLD && number != SIGCONT) {
          erase();
          return number;
        }
      }
      for (Worker &worker : workers_) read_all(worker);
      if (held_) kill_holder();
      if (took_over_ && !restarted_) restart();
      if (Clock::now() - start_ > kLimit) throw Failure(kExitTimedOut, "the demo hangs");
      draw();
    }
    erase();
    return 0;
  }

  void wait_for_news() const {
    std::array<pollfd, kProcesses + 1> polled;
    for (size_t i = 0; i < kProcesses; ++i) polled[i] = {workers_[i].pipe.get(), POLLIN, 0};
    polled[kProcesses] = {signals_.fd(), POLLIN, 0};
    poll(polled.data(), polled.size(), static_cast<int>(kRedraw.count()));
  }

  void read_all(Worker &worker) {
    char buffer[4096];
    ssize_t got = -1;
    while (worker.running() && (got = read(worker.pipe.get(), buffer, sizeof buffer)) > 0) {
      worker.unread.append(buffer, static_cast<size_t>(got));
    }
    size_t end;
    while ((end = worker.unread.find('\n')) != std::string::npos) {
      heard(worker, worker.unread.substr(0, end));
      worker.unread.erase(0, end + 1);
    }
    if (worker.running() && got == 0) ended(worker);
  }

  void heard(Worker &worker, const std::string &line) {
    if (line == "hold") {
      held_ = true;
    } else if (line.rfind("grant ", 0) == 0) {
      ++worker.grants;
      granted(microseconds(std::stoll(line.substr(6))));
    } else {
      say(line);
    }
  }

  void granted(Clock::duration waited) {
    const auto now = Clock::now();
    if (killed_ && !took_over_) {
      took_over_ = true;
      took_over_at_ = now;
      event("the next one got the lock " + seconds_text(now - killed_at_) +
            " after the kill, when the lease ran out");
    }
    const bool behind_the_dead = killed_ && now - waited < took_over_at_;
    auto &longest = behind_the_dead ? longest_behind_ : longest_;
    longest = std::max(longest, waited);
  }

  void ended(Worker &worker) {
    int status = 0;
    waitpid(worker.pid, &status, 0);
    worker.pid = -1;
    worker.pipe.reset();
    if (exit_code_of_wait(status) == 0) return;
    failed_ = true;
    event("a process ended with " + std::to_string(exit_code_of_wait(status)));
  }

  // Every grant before this one was reported before its release, so the pipes are empty of them
  // once they have been read again.
  void kill_holder() {
    held_ = false;
    for (Worker &worker : workers_) read_all(worker);
    Worker &victim = workers_[kVictim];
    end(victim);
    victim.pipe.reset();
    killed_at_ = Clock::now();
    killed_ = true;
    std::tie(least_, most_) = spread();
    event("process " + std::to_string(kVictim + 1) + " is killed with -9 while it holds the lock");
  }

  void restart() {
    restarted_ = true;
    start_worker(kVictim, kRounds - workers_[kVictim].grants, -1);
    event("process " + std::to_string(kVictim + 1) + " is started again for the rest of its turns");
  }

  std::pair<int, int> spread() const {
    const auto ends =
        std::minmax_element(workers_.begin(), workers_.end(),
                            [](const Worker &a, const Worker &b) { return a.grants < b.grants; });
    return {ends.first->grants, ends.second->grants};
  }

  int grants() const {
    int sum = 0;
    for (const Worker &worker : workers_) sum += worker.grants;
    return sum;
  }

  bool sum_up(int counter_fd) const {
    int64_t counted = 0;
    if (pread(counter_fd, &counted, sizeof counted, 0) != static_cast<ssize_t>(sizeof counted)) {
      counted = -1;
    }
    const auto outage = took_over_at_ - killed_at_;
    const auto busy = duration_cast<microseconds>(end_ - start_ - outage).count();
    const bool in_time = took_over_ && outage <= kTakeOverLimit;
    const bool good = !failed_ && in_time && counted == kExpected && grants() == kExpected;
    print("\n" +
          aligned({
              {"  counted",
               std::to_string(counted) + " of " + std::to_string(kExpected) + " expected"},
              {"  hand-overs",
               std::to_string(int64_t{1000000} * kExpected / std::max<int64_t>(busy, 1)) +
                   " per second"},
              {"  longest wait", milliseconds_text(longest_) + ", and " +
                                     seconds_text(longest_behind_) + " behind the killed holder"},
              {"  fairness", "least served " + std::to_string(least_) + ", most served " +
                                 std::to_string(most_) + " when the holder was killed"},
              {"  fences", failed_ ? "see above" : "rose with every grant"},
              {"  verdict", good ? "nothing was lost" : "FAILED"},
          }));
    return good;
  }

  void say(const std::string &line) {
    erase();
    print(line + "\n");
  }

  void event(const std::string &what) {
    say("  " + seconds_text(Clock::now() - start_) + "  " + what);
  }

  void draw() {
    const auto now = Clock::now();
    if (!terminal_ || now - drawn_at_ < kRedraw) return;
    drawn_at_ = now;
    std::string line = "  " + seconds_text(now - start_) + "  " + std::to_string(grants()) +
                       " of " + std::to_string(kExpected) + ", by process:";
    for (const Worker &worker : workers_) line += " " + std::to_string(worker.grants);
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
  std::array<Worker, kProcesses> workers_;
  const bool terminal_ = isatty(STDOUT_FILENO) == 1;
  bool drawn_ = false;
  bool held_ = false;  // the victim has the lock and waits for its end
  bool killed_ = false;
  bool took_over_ = false;  // somebody was granted the lock after the kill
  bool restarted_ = false;
  bool failed_ = false;
  int least_ = 0;
  int most_ = 0;
  Clock::time_point start_, end_, killed_at_, took_over_at_, drawn_at_;
  Clock::duration longest_{};
  Clock::duration longest_behind_{};
};

int demo(const Args &args) {
  args.expect_at_most(0);
  if (args.has("--worker")) return demo_worker(args);
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
