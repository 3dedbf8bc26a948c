// Starting, hurting and healing.
#include "fault/crew.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "fault/bounds.hpp"
#include "support/timing.h"

namespace fault {

namespace {

// `no`: written before each answer, as ever, and never put off for a sync under way. What the
// server has answered outlives its process.
const char *const kServerOptions[] = {"--appendonly", "yes", "--appendfsync", "no", nullptr};

redis_server_t *start_server() { return redis_start(kServerOptions); }

// The server runs on this machine.
int64_t server_clock_us() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * kSecond + now.tv_nsec / 1000;
}

std::string timeout_option(int worker) {
  return "?timeout=" + std::to_string(timeout_of(worker) / kMs) + "ms";
}

struct Ending {
  pid_t pid;
  int status = 0;
};

bool has_ended(void *argument) {
  auto *ending = static_cast<Ending *>(argument);
  return ::waitpid(ending->pid, &ending->status, WNOHANG) == ending->pid;
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Crew::Crew(const std::string &folder, uint64_t seed)
    : folder_(folder),
      seed_(seed),
      history_(folder + "/history.jsonl"),
      board_(map_board(folder + "/board")),
      server_(start_server()),
      proxy_(folder, server_->socket, kWorkers + 1, seed),
      processes_(kWorkers + 1),
      sampler_(folder, proxy_.path(kWorkers)) {
  Weather distance;
  distance.jitter_ms = kDistanceMs;
  proxy_.begin(kFarWorker, std::make_shared<const Weather>(distance));
  for (int worker = 0; worker <= kWorkers; ++worker) spawn(worker);
}

Crew::~Crew() {
  for (Process &process : processes_)
    if (process.pid != 0) {
      ::kill(process.pid, SIGKILL);
      ::waitpid(process.pid, nullptr, 0);
    }
  if (server_stopped_) redis_resume(server_);
  redis_stop(server_);
}

std::string Crew::life_of(int worker) const {
  return (worker == kWorkers ? "f" : "w") + std::to_string(worker) + "." +
         std::to_string(processes_[static_cast<size_t>(worker)].life);
}

void Crew::spawn(int worker) {
  Process &process = processes_[static_cast<size_t>(worker)];
  ++process.life;
  const bool foreign = worker == kWorkers;
  const std::string id = life_of(worker);
  const std::string url = foreign ? server_->socket : proxy_.url(worker) + timeout_option(worker);
  const std::string seed = std::to_string(seed_ * 1000 + static_cast<uint64_t>(worker) * 100 +
                                          static_cast<uint64_t>(process.life));
  process.stopped = false;
  const pid_t parent = ::getpid();
  process.pid = ::fork();
  if (process.pid == 0) {
    ::execl("/proc/self/exe", "redilock_fault", foreign ? "foreign" : "worker", folder_.c_str(),
            url.c_str(), id.c_str(), seed.c_str(), std::to_string(parent).c_str(), nullptr);
    ::_exit(127);
  }
  if (process.pid > 0) return;
  std::perror("fork");
  std::abort();
}

void Crew::tell_crash(int worker, const std::string &how) {
  history_.write(Line(now_us(), "crash").add("life", life_of(worker)).add("how", how));
}

void Crew::watch() {
  for (int worker = 0; worker <= kWorkers; ++worker) {
    Process &process = processes_[static_cast<size_t>(worker)];
    Ending ending{process.pid};
    if (process.pid == 0 || !has_ended(&ending)) continue;
    process.pid = 0;
    tell_crash(worker, end_of(ending.status));
    history_.write(Line(now_us(), "kill").add("life", life_of(worker)));
  }
}

void Crew::kill_worker(int worker) {
  watch();
  Process &process = processes_[static_cast<size_t>(worker)];
  if (process.pid == 0) return;
  const int64_t at = now_us();
  ::kill(process.pid, SIGKILL);
  int status = 0;
  ::waitpid(process.pid, &status, 0);
  // Who was faster did not die of us.
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) tell_crash(worker, end_of(status));
  process.pid = 0;
  history_.write(Line(at, "kill").add("life", life_of(worker)));
}

void Crew::start_worker(int worker) {
  if (processes_[static_cast<size_t>(worker)].pid == 0) spawn(worker);
}

void Crew::stop_worker(int worker) {
  Process &process = processes_[static_cast<size_t>(worker)];
  if (process.pid == 0 || process.stopped) return;
  ::kill(process.pid, SIGSTOP);
  process.stopped = true;
}

void Crew::continue_worker(int worker) {
  Process &process = processes_[static_cast<size_t>(worker)];
  if (process.pid == 0 || !process.stopped) return;
  ::kill(process.pid, SIGCONT);
  process.stopped = false;
}

void Crew::stop_server() {
  if (server_stopped_ || server_->pid == 0) return;
  redis_pause(server_);
  server_stopped_ = true;
}

void Crew::continue_server() {
  if (server_stopped_) redis_resume(server_);
  server_stopped_ = false;
  if (flush_is_due_) flush_server();
}

void Crew::kill_server() {
  redis_kill(server_);
  server_stopped_ = false;
}

void Crew::wipe_server() {
  const int64_t before = now_us();
  kill_server();
  const std::filesystem::path folder = server_->folder;
  for (const char *log : {"appendonlydir", "appendonly.aof"})  // of Redis 7 and 6
    std::filesystem::remove_all(folder / log);
  history_.write(Line(before, "wipe").add("to", now_us()).add("clock", server_clock_us()));
}

void Crew::restart_server() {
  if (server_->pid == 0) redis_restart(server_);
  if (flush_is_due_) flush_server();
}

void Crew::tell_server(const char *command) {
  if (server_->pid != 0 && !server_stopped_) freeReplyObject(redis_command(server_, command));
}

void Crew::flush_server() {
  flush_is_due_ = server_->pid == 0 || server_stopped_;
  if (flush_is_due_) return;
  const int64_t before = now_us();
  redis_do(server_, "FLUSHALL");
  history_.write(Line(before, "wipe").add("to", now_us()).add("clock", server_clock_us()));
}

void Crew::heal() {
  watch();
  restart_server();
  continue_server();
  for (int worker = 0; worker <= kWorkers; ++worker) {
    continue_worker(worker);
    start_worker(worker);
  }
}

void Crew::finish() {
  watch();
  board_.stop.store(1);
  for (int worker = 0; worker <= kWorkers; ++worker) {
    Process &process = processes_[static_cast<size_t>(worker)];
    if (process.pid == 0) continue;
    Ending ending{process.pid};
    if (!eventually(has_ended, &ending, 10000)) {
      tell_crash(worker, "did not end when it was told to");
      continue;
    }
    process.pid = 0;
    if (ending.status != 0) tell_crash(worker, end_of(ending.status));
  }
}

}  // namespace fault
