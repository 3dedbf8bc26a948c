// Forking happens on the only thread, so the children need no exec.
#include "bench_processes.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "command.hpp"
#include "text.hpp"

namespace cli {
namespace {

[[noreturn]] void fail(const char *what) {
  throw Failure(kExitInternal, std::string(what) + ": " + std::strerror(errno));
}

std::vector<int> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) fail("sched_getaffinity");
  std::vector<int> found;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) found.push_back(cpu);
  }
  return found;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
}

// noexcept: an exception must not climb into the parent's frames.
int run_body(const std::function<void(int)> &body, int index) noexcept {
  try {
    body(index);
    return kExitOk;
  } catch (const Failure &failure) {
    complain(failure.what());
    return failure.code();
  } catch (const std::exception &error) {
    complain(error.what());
    return kExitInternal;
  }
}

void spin(int index) {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) fail("SCHED_IDLE");
  pin_to(processors()[static_cast<size_t>(index)]);
  for (;;) {  // until the parent's kill or the alarm
    volatile int busy = 0;
    for (int i = 0; i < 1000000; ++i) busy = i;
    static_cast<void>(busy);
  }
}

}  // namespace

SharedMemory::SharedMemory(size_t bytes) : bytes_(bytes) {
  memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory_ == MAP_FAILED) fail("mmap");
}

SharedMemory::~SharedMemory() { munmap(memory_, bytes_); }

void Barrier::set_up(unsigned count) {
  pthread_barrierattr_t shared;
  pthread_barrierattr_init(&shared);
  pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&barrier_, &shared, count);
  pthread_barrierattr_destroy(&shared);
}

Workers::Workers(int count, unsigned limit_seconds, const std::function<void(int)> &body) {
  pids_.reserve(static_cast<size_t>(count));
  const pid_t parent = getpid();
  for (int index = 0; index < count; ++index) {
    const pid_t pid = fork();
    if (pid < 0) {
      const int error = errno;
      this->~Workers();
      errno = error;
      fail("fork");
    }
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      prctl(PR_SET_TIMERSLACK, 1UL);
      alarm(limit_seconds);
      _exit(getppid() == parent ? run_body(body, index) : int{kExitInternal});
    }
    pids_.push_back(pid);
  }
}

Workers::~Workers() {
  for (const pid_t pid : pids_) kill(pid, SIGKILL);
  for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  pids_.clear();
}

void Workers::join() {
  int code = kExitOk;
  while (!pids_.empty()) {
    int status = 0;
    while (waitpid(pids_.back(), &status, 0) < 0 && errno == EINTR) {
    }
    pids_.pop_back();
    if (status != 0) code = WIFEXITED(status) ? WEXITSTATUS(status) : int{kExitInternal};
  }
  if (code != kExitOk) throw Failure(code, "a process of the benchmark failed");
}

Spinners::Spinners(unsigned limit_seconds)
    : workers_(static_cast<int>(processors().size()), limit_seconds, spin) {}

void sleep_us(long us) {
  timespec left = {us / 1000000, us % 1000000 * 1000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

void pin_to_one_core() { pin_to(processors().front()); }

}  // namespace cli
