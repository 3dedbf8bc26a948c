// One of the demo's processes: takes the lock, adds 1 to a number in a file by reading and writing
// it, releases. Without the lock, increments would be lost. The file also has the last fence, so
// that a fence that does not rise is seen at the very grant.
#include "demo_worker.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "session.hpp"
#include "signals.hpp"

namespace cli {
namespace {

struct Counter {
  int64_t count = 0;
  int64_t fence = 0;
};

void add_one(int fd, int64_t fence) {
  Counter counter;
  const ssize_t got = pread(fd, &counter, sizeof counter, 0);
  if (got != 0 && got != static_cast<ssize_t>(sizeof counter)) {
    throw Failure(kExitInternal, "the counter is torn");
  }
  if (fence <= counter.fence) throw Failure(kExitLost, "a fence did not rise");
  ++counter.count;
  counter.fence = fence;
  if (pwrite(fd, &counter, sizeof counter, 0) != static_cast<ssize_t>(sizeof counter)) {
    throw Failure(kExitInternal, std::string("cannot write the counter: ") + std::strerror(errno));
  }
}

void say(const std::string &line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) {
    throw Failure(kExitInternal, std::string("cannot report: ") + std::strerror(errno));
  }
}

[[noreturn]] void hold_until_killed() {
  say("hold");
  for (;;) pause();
}

Lock acquire(const Client &client, const std::string &name) {
  redilock_lock_t *lock = nullptr;
  char error[512];
  const int32_t status = redilock_acquire(client.get(), name.data(), name.size(), kDemoTtlMs,
                                          kDemoWaitMs, &lock, error, sizeof error);
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), error);
  return Lock(lock);
}

void release(const Lock &lock) {
  const int32_t status = redilock_release(lock.get());
  if (status == REDILOCK_OK) return;
  char error[512];
  redilock_lock_message(lock.get(), error, sizeof error);
  throw Failure(exit_code_of(status), error);
}

// Connects by a lock of its own. Then waits for the parent, which holds the file locked until all
// processes are ready.
void start_with_others(const Client &client, int fd) {
  release(acquire(client, kDemoLock + std::string(" ") + std::to_string(getpid())));
  say("ready");
  while (flock(fd, LOCK_SH) != 0) {
    if (errno != EINTR) throw Failure(kExitInternal, std::string("flock: ") + std::strerror(errno));
  }
}

void one_round(const Client &client, int fd, bool hold) {
  const auto start = std::chrono::steady_clock::now();
  const Lock lock = acquire(client, kDemoLock);
  const auto waited = std::chrono::steady_clock::now() - start;
  if (hold) hold_until_killed();
  add_one(fd, redilock_lock_fence(lock.get()));
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
  say("grant " + std::to_string(us));
  release(lock);
}

}  // namespace

int demo_worker(const Args &args) {
  const Fd fd(open(args.value("--file").c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0)
    throw Failure(kExitInternal, args.value("--file") + ": " + std::strerror(errno));
  const int rounds = std::stoi(args.value("--worker"));
  const int hold_at = std::stoi(args.value("--hold-at", "-1"));
  const Client client = make_client(args);
  start_with_others(client, fd.get());
  for (int round = 0; round < rounds; ++round) one_round(client, fd.get(), round == hold_at);
  return kExitOk;
}

}  // namespace cli
