#include "client/asking.hpp"

#include <new>
#include <utility>

#include "values/status.hpp"

namespace redilock {

void ask(ClientContext &context, const std::shared_ptr<Machine> &machine, Instant end,
         std::function<void()> ended) {
  Pipeline::Done on_reply = [&context, machine, end, ended = std::move(ended)](
                                const Answer *answer, const Unanswered *error) {
    try {
      if (answer == nullptr)
        machine->failed(*error);
      else if (machine->replied(*answer))
        return ask(context, machine, end, ended);
    } catch (const Error &misread) {
      machine->failed({misread, false});
    } catch (const std::bad_alloc &) {
      machine->failed({no_memory(), true});
    }
    ended();
  };
  auto send = [&](const Script &script, const Command &keys, const Command &arguments) {
    context.pipeline.ask(script, keys, arguments, end, std::move(on_reply));
  };
  machine->ask(Machine::Send(send));
}

}  // namespace redilock
