#include "lock/extend_machine.hpp"

#include "lock/replies.hpp"
#include "lock/requests.hpp"

namespace redilock {

void ExtendMachine::ask(Send send) const {
  requests::extend(claim_.keys, claim_.token, ttl_, send);
}

bool ExtendMachine::replied(const Answer &answer) {
  if (read_extend(answer.reply)) anchor_ = answer.sent;
  return false;
}

}  // namespace redilock
