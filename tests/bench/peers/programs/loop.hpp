// What the programs in C++ share: acquire, hold, release and rest until the time is up.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

struct Job {
  int port;
  std::string name;
  double seconds;
  std::chrono::microseconds hold, think;
};

// The arguments behind the library's name.
inline Job read_job(char **argument) {
  return {std::atoi(argument[0]), argument[1], std::atof(argument[2]),
          std::chrono::microseconds(std::atoi(argument[3])),
          std::chrono::microseconds(std::atoi(argument[4]))};
}

// All processes of a fight begin at one moment, when the slowest has started.
inline void wait_for_begin() {
  using namespace std::chrono;
  if (const char *begin = std::getenv("BENCH_AT"))
    std::this_thread::sleep_until(system_clock::time_point(
        duration_cast<system_clock::duration>(duration<double>(std::atof(begin)))));
}

// `acquire` returns whether it has the lock.
template <typename Acquire, typename Release>
int take_turns(const Job &job, Acquire acquire, Release release) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> took_us;
  long failed = 0;
  wait_for_begin();
  const auto end = Clock::now() + std::chrono::duration<double>(job.seconds);
  while (Clock::now() < end) {
    const auto begun = Clock::now();
    if (!acquire()) {
      ++failed;
      continue;
    }
    if (job.hold.count() > 0) std::this_thread::sleep_for(job.hold);
    release();
    took_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begun).count());
    if (job.think.count() > 0) std::this_thread::sleep_for(job.think);
  }
  std::sort(took_us.begin(), took_us.end());
  const auto quantile = [&](double part) {
    return took_us.empty()
               ? 0
               : took_us[static_cast<size_t>(static_cast<double>(took_us.size()) * part)];
  };
  std::printf("{\"turns\":%zu,\"failed\":%ld,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", took_us.size(),
              failed, quantile(0.5), quantile(0.99));
  return 0;
}
