// Drives a machine of cxx/lock to its end without waiting.
#pragma once

#include <functional>
#include <memory>

#include "client/context.hpp"
#include "lock/machine.hpp"

namespace redilock {

// Calls `ended` once, on the service thread, when the machine is at its end. Throws std::bad_alloc
// if the first request can't be made, without that call. `end`: by when the server has to answer.
void ask(ClientContext &context, const std::shared_ptr<Machine> &machine, Instant end,
         std::function<void()> ended);

}  // namespace redilock
