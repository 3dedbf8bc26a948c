#include "lock/release_machine.hpp"

#include <new>

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

void ReleaseMachine::ask(const Send &send) const {
  if (by_ == By::kForce)
    requests::force_release(claim_.keys, std::cref(send));
  else
    requests::leave(claim_, std::cref(send));
}

bool ReleaseMachine::replied(const Answer &answer) noexcept {
  try {
    const Release release = read_release(answer.reply);
    if (at_ == Instant()) at_ = answer.sent;
    owned_ = owned_ || release.owned || answer.asked_before;
    more_ = release.more;
    return more_;
  } catch (const Error &misread) {
    failed({misread, false});
  } catch (const std::bad_alloc &) {
    failed({no_memory(), true});
  }
  return false;
}

void ReleaseMachine::failed(const Unanswered &why) noexcept {
  if (!owned_) failure_ = why;
}

}  // namespace redilock
