#include "lock/info_machine.hpp"

#include "lock/replies.hpp"
#include "lock/requests.hpp"

namespace redilock {

void InfoMachine::ask(Send send) const { requests::info(keys_, send); }

bool InfoMachine::replied(const Answer &answer) {
  info_ = read_info(answer.reply);
  return false;
}

}  // namespace redilock
