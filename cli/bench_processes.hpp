// Processes of a benchmark: forked, ended with their parent or at a limit, and the memory they
// share. Shared with tests/bench.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace cli {

// Memory of zeros that forked processes have in common.
class SharedMemory {
 public:
  explicit SharedMemory(size_t bytes);  // throws Failure
  ~SharedMemory();
  SharedMemory(const SharedMemory &) = delete;
  SharedMemory &operator=(const SharedMemory &) = delete;

  // For types of which zeros are a value.
  template <typename Type>
  Type *as() const {
    return static_cast<Type *>(memory_);
  }

 private:
  void *memory_;
  size_t bytes_;
};

// In shared memory: all processes meet, and go on together.
class Barrier {
 public:
  void set_up(unsigned count);
  void wait() { pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_;
};

class Workers {
 public:
  // Forks processes that run body(index); what it throws goes to stderr. The parent must have no
  // threads and no clients. None lives longer than limit_seconds.
  Workers(int count, unsigned limit_seconds, const std::function<void(int)> &body);
  ~Workers();  // kills those that still run
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  // Waits for all of them. Throws Failure unless all of them did their work.
  void join();
  const std::vector<pid_t> &pids() const { return pids_; }

 private:
  std::vector<pid_t> pids_;
};

// A process of idle priority on each processor, so that none is halted: a halted virtual processor
// wakes slowly, and that would be measured instead.
class Spinners {
 public:
  explicit Spinners(unsigned limit_seconds);

 private:
  Workers workers_;
};

// Sleeps to the microsecond, as far as the kernel can.
void sleep_us(long us);

// Binds this process to the first processor it may use.
void pin_to_one_core();

}  // namespace cli
