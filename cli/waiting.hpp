// Waiting for a lock as a command does it: signals end the wait, and stderr shows how it goes.
#pragma once

#include <string>

#include "session.hpp"
#include "signals.hpp"
#include "wait.hpp"

namespace cli {

struct Waited {
  Lock lock;
  int32_t status = REDILOCK_OK;
  int signal = 0;  // the signal that ended the wait; a lock may have been granted all the same
};

// Says why the lock was not granted; if it is to be quiet, not that others have it.
void complain_of(const Wait &wait, int32_t status);

// The acquire of `run` and `acquire` by their flags, except "renew" and "max_hold".
Wait make_wait(const Args &args, const Client &client, const Op &op, const std::string &name);

// The tokens that the commands of `run` inherit: of every `redilock run` among their ancestors.
inline constexpr const char *kHeldTokens = "REDILOCK_HELD_TOKENS";

// Throws Failure if an ancestor holds the lock: it could not release it before this process ends.
void refuse_nested(const Wait &wait);

// Acquires on a thread of its own while the caller's thread listens to signals.
Waited wait_for_lock(const Wait &wait, Signals &signals);

}  // namespace cli
