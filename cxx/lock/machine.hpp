// A request to the server, from being sent to its outcome, as a machine: its driver sends what the
// machine asks and reports what came back. Blocking calls and the service thread drive the same
// machines. No I/O.
#pragma once

#include <functional>

#include "values/answer.hpp"

namespace redilock {

class Machine {
 public:
  using Send =
      std::function<void(const Script &script, const Command &keys, const Command &arguments)>;

  virtual ~Machine() = default;
  // Calls `send` once, with the request; the texts in it last until `send` returns.
  virtual void ask(const Send &send) const = 0;
  // Returns whether there is one more request to send.
  virtual bool replied(const Answer &answer) noexcept = 0;
  // The server did not answer, or refused.
  virtual void failed(const Unanswered &why) noexcept = 0;
};

}  // namespace redilock
