// The exit codes of the command, in one place; redilock(1) has the same table.
#pragma once

#include <cstdint>

#include "redilock/redilock.h"

namespace cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFree = 1,          // `show --quiet`: nobody holds it
  kExitUsage = 64,        // wrong option, operand or url
  kExitUnreachable = 69,  // the server could not be reached, or its answer did not come
  kExitInternal = 70,     // out of memory, a failed system call, a bug
  kExitHeld = 73,         // a try met a holder
  kExitTimedOut = 74,     // the wait ended before the lock was granted
  kExitLost = 75,         // the lock was held and then lost
  kExitServer = 76,       // the server answered with an error, or not in the protocol
  kExitAuth = 77,         // other credentials or permissions are needed
  kExitNotOwner = 78,     // the token does not hold the lock, or nobody does
  kExitNested = 79,       // an ancestor of this process holds the lock
  kExitCannotRun = 126,   // the command of `run` cannot be executed
  kExitNotFound = 127,    // the command of `run` was not found
  kExitSignal = 128,      // plus the number of the signal
};

inline int exit_code_of(int32_t status) {
  switch (status) {
    case REDILOCK_OK:
      return kExitOk;
    case REDILOCK_E_HELD:
      return kExitHeld;
    case REDILOCK_E_TIMEOUT:
      return kExitTimedOut;
    case REDILOCK_E_LOST:
      return kExitLost;
    case REDILOCK_E_NOT_OWNER:
      return kExitNotOwner;
    case REDILOCK_E_UNKNOWN:
    case REDILOCK_E_UNAVAILABLE:
      return kExitUnreachable;
    case REDILOCK_E_AUTH:
      return kExitAuth;
    case REDILOCK_E_SERVER:
    case REDILOCK_E_PROTOCOL:
    case REDILOCK_E_UNSUPPORTED:
      return kExitServer;
    case REDILOCK_E_INVALID:
      return kExitUsage;
    default:
      return kExitInternal;
  }
}

}  // namespace cli
