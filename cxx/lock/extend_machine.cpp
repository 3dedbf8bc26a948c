#include "lock/extend_machine.hpp"

#include <new>

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

void ExtendMachine::ask(const Send &send) const {
  requests::extend(claim_.keys, claim_.token, ttl_, std::cref(send));
}

bool ExtendMachine::replied(const Answer &answer) noexcept {
  try {
    if (read_extend(answer.reply)) anchor_ = answer.sent;
  } catch (const Error &misread) {
    failed({misread, false});
  } catch (const std::bad_alloc &) {
    failed({no_memory(), true});
  }
  return false;
}

}  // namespace redilock
