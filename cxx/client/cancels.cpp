#include "client/cancels.hpp"

#include <algorithm>

namespace redilock {

void Cancels::tell(const Control &control) noexcept {
  const auto takes_it = [&control](std::atomic<const Control *> &slot) {
    const Control *empty = nullptr;
    return slot.compare_exchange_strong(empty, &control);
  };
  if (std::none_of(slots_.begin(), slots_.end(), takes_it)) too_many_.store(true);
  any_.store(true);
}

}  // namespace redilock
