// What `run` and its guard process say to each other: one message is one packet on a socket pair.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "signals.hpp"

namespace cli {

enum class GuardSays : int32_t {
  // From `run`.
  kStart,    // value: as kLease; text: the environment, each "NAME=VALUE" with a NUL behind it
  kForward,  // value: a signal that came; pid: who sent it; code and payload: of its siginfo
  kLease,    // value: for how many more milliseconds the lock is surely held
  kEnd,      // the lock was lost: end the command
  // From the guard.
  kStarted,  // pid: the command
  kFailed,   // value: the exit code, text: why the command cannot be run
  kEnded,    // value: the wait status of the command
};

struct GuardMessage {
  GuardSays kind;
  int64_t value = 0;
  pid_t pid = 0;
  int32_t code = 0;
  uint64_t payload = 0;
  std::string text = {};
};

// False if the other side has gone. Blocks while its queue is full.
bool send_message(int fd, const GuardMessage &message);

struct Received {
  std::optional<GuardMessage> message;  // none was there, unless it is closed
  bool closed = false;
};

// Never blocks.
Received receive_message(int fd);

}  // namespace cli
