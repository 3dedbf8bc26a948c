// A request to the server, from being sent to its outcome, as a machine: its driver sends what the
// machine asks and reports what came back. Blocking calls and the service thread drive the same
// machines. No I/O.
#pragma once

#include "values/answer.hpp"

namespace redilock {

class Machine {
 public:
  // Refers to the function that sends a request; it does not own it, and so takes no memory.
  class Send {
   public:
    template <typename Function>
    explicit Send(Function &function) noexcept
        : function_(&function),
          call_([](void *called, const Script &script, const Command &keys,
                   const Command &arguments) {
            (*static_cast<Function *>(called))(script, keys, arguments);
          }) {}
    void operator()(const Script &script, const Command &keys, const Command &arguments) const {
      call_(function_, script, keys, arguments);
    }

   private:
    void *function_;
    void (*call_)(void *, const Script &, const Command &, const Command &);
  };

  virtual ~Machine() = default;
  // Calls `send` once, with the request; the texts in it last until `send` returns.
  virtual void ask(Send send) const = 0;
  // Returns whether there is one more request to send. Throws Error(kProtocol) for a reply of
  // another form, which the driver reports by failed().
  virtual bool replied(const Answer &answer) = 0;
  // The server did not answer, or refused.
  virtual void failed(const Unanswered &why) noexcept = 0;
};

}  // namespace redilock
