#include "lock/info_machine.hpp"

#include <new>

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

void InfoMachine::ask(const Send &send) const { requests::info(keys_, std::cref(send)); }

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
