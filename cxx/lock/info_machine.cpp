#include "lock/info_machine.hpp"

#include <new>

#include "lock/replies.hpp"
#include "values/status.hpp"

namespace redilock {

bool InfoMachine::replied(const Answer &answer) noexcept {
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
