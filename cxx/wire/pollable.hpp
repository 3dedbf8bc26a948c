// Something that a thread polls for among other things, and that never makes it wait long.
#pragma once

#include <poll.h>

#include "wire/limit.hpp"

namespace redilock {

class Pollable {
 public:
  // What to poll for; a descriptor of -1 for nothing now.
  virtual pollfd wanted() = 0;
  // When to run() at the latest, whatever was polled.
  virtual Instant next_run() = 0;
  // Does what can be done now. Only a new connection may take up to a second; the interrupt ends
  // that.
  virtual void run(Interrupt &interrupt) noexcept = 0;
  // While another one connects: what cannot wait for that. Returns when there is more of it.
  virtual Instant run_meanwhile() noexcept { return kNever; }

 protected:
  ~Pollable() = default;
};

}  // namespace redilock
