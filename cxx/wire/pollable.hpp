// Something that a thread polls for among other things, and that never makes it wait.
#pragma once

#include <poll.h>

#include "values/clock.hpp"

namespace redilock {

class Pollable {
 public:
  // What to poll for; a descriptor of -1 for nothing now.
  virtual pollfd wanted() = 0;
  // When to run() at the latest, whatever was polled.
  virtual Instant next_run() = 0;
  // Does what can be done now.
  virtual void run() noexcept = 0;

 protected:
  ~Pollable() = default;
};

}  // namespace redilock
