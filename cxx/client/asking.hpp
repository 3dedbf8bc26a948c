// Drives a machine of cxx/lock to its end without waiting: ReleaseMachine, ExtendMachine,
// InfoMachine.
#pragma once

#include <memory>
#include <new>
#include <utility>

#include "client/context.hpp"
#include "values/status.hpp"

namespace redilock {

// Calls `ended` once, on the service thread, when the machine is at its end. Throws std::bad_alloc
// if the first request can't be made, without that call. `end`: by when the server has to answer.
template <typename Machine, typename Ended>
void ask(ClientContext &context, const std::shared_ptr<Machine> &machine, Instant end,
         Ended ended) {
  auto on_reply = [&context, machine, end, ended](const Answer *answer, const Unanswered *error) {
    try {
      if (answer == nullptr)
        machine->failed(*error);
      else if (machine->replied(*answer))
        return ask(context, machine, end, ended);
    } catch (const std::bad_alloc &) {
      machine->failed({no_memory(), false});
    }
    ended();
  };
  machine->ask(context.asking(end, std::move(on_reply)));
}

}  // namespace redilock
