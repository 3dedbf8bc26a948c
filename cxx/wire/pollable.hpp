// Something that a thread polls for among other things, and that never makes it wait.
#pragma once

#include <poll.h>

#include <vector>

#include "values/clock.hpp"

namespace redilock {

class Pollable {
 public:
  // Adds what to poll for: any number of descriptors. Throws std::bad_alloc.
  virtual void add_wanted(std::vector<pollfd> &polled) = 0;
  // When to run() at the latest, whatever was polled.
  virtual Instant next_run() = 0;
  // Does what can be done now.
  virtual void run() noexcept = 0;

 protected:
  ~Pollable() = default;
};

}  // namespace redilock
