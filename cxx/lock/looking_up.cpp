#include "lock/looking_up.hpp"

#include <new>

#include "lock/replies.hpp"
#include "values/status.hpp"

namespace redilock {

bool LookingUp::replied(const Answer &answer) noexcept {
  try {
    info_ = read_info(answer.reply);
  } catch (const Error &misread) {
    failed({misread, false});
  } catch (const std::bad_alloc &) {
    failed({no_memory(), false});
  }
  return false;
}

}  // namespace redilock
