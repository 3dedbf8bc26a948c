#include "lock/release_machine.hpp"

#include "lock/replies.hpp"
#include "lock/requests.hpp"

namespace redilock {

void ReleaseMachine::ask(Send send) const {
  if (by_ == By::kForce)
    requests::force_release(claim_.keys, send);
  else
    requests::leave(claim_, send);
}

bool ReleaseMachine::replied(const Answer &answer) {
  const Release release = read_release(answer.reply);
  if (at_ == Instant()) at_ = answer.sent;
  owned_ = owned_ || release.owned || answer.asked_before;
  more_ = release.more;
  return more_;
}

void ReleaseMachine::failed(const Unanswered &why) noexcept {
  if (!owned_) failure_ = why;
}

}  // namespace redilock
