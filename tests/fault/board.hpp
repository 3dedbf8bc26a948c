// What the processes of a run share in memory: whether to go on, and the fenced store, a register
// for each name that takes a write only with a fence that is not below the last one taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace fault {

inline constexpr int kNames = 3;
// Few ask for this one, and most let their lease run out: so the head of its queue has to take over, and
// no request of another helps it.
inline constexpr int kQuietName = kNames - 1;
inline std::string name_of(int index) { return "job-" + std::to_string(index); }

struct Board {
  std::atomic<int32_t> stop;  // end
  std::atomic<int32_t> lull;  // start nothing new, and hold no longer than needed
  std::atomic<int64_t> fences[kNames];

  // Whether the store took it; `last` is the fence that stood there before.
  bool store(int name, int64_t fence, int64_t &last) {
    last = fences[name].load();
    while (last <= fence)
      if (fences[name].compare_exchange_weak(last, fence)) return true;
    return false;
  }
};

// Made by the driver, found by the workers under the same path. Never unmapped.
Board &map_board(const std::string &path);

}  // namespace fault
