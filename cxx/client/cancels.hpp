// Which operations were cancelled: told to the service thread from any thread or signal handler.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace redilock {

struct Control;

class Cancels {
 public:
  // Async-signal-safe. The control is not looked at, and may be gone before it is taken.
  void tell(const Control &control) noexcept;
  // Calls `told` with the address of each since the last time. True where there were too many at
  // once: then any may have been cancelled. For one thread.
  template <typename Told>
  bool take(Told told) noexcept {
    if (!any_.exchange(false)) return false;
    for (auto &slot : slots_)
      if (const Control *control = slot.exchange(nullptr)) told(control);
    return too_many_.exchange(false);
  }

 private:
  static constexpr size_t kSlots = 16;
  static_assert(std::atomic<const Control *>::is_always_lock_free);

  std::array<std::atomic<const Control *>, kSlots> slots_{};
  std::atomic<bool> too_many_{false};
  std::atomic<bool> any_{false};  // what is told is stored before
};

}  // namespace redilock
