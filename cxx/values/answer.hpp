// A script, and the answer to a request, or why there is none.
#pragma once

#include <string_view>

#include "values/clock.hpp"
#include "values/command.hpp"
#include "values/credentials.hpp"
#include "values/reply.hpp"
#include "values/status.hpp"

namespace redilock {

struct Script {
  std::string_view text, sha1;
  int fence_key = -1;  // the index of the key whose counter gives the fence that it replies
};

// The key that a script draws a fence from in this request; "" for none.
std::string_view fence_key(const Script &script, const Command &keys);

// An answer, and what must be known to judge it.
struct Answer {
  Reply reply;
  Instant sent;       // when the request that was answered went out
  bool asked_before;  // an earlier request of the same call may have been carried out unheard
  // What no message may show, or null.
  const Credentials *secrets = nullptr;
};

// Thrown when no answer came, or one that does not tell what became of an earlier request.
class Unanswered : public Error {
 public:
  Unanswered(const Error &cause, bool sent) noexcept : Error(cause), sent_(sent) {}
  Unanswered(const Unanswered &) noexcept = default;
  Unanswered &operator=(const Unanswered &) noexcept = default;
  ~Unanswered() override;
  // Whether the server may have carried out the request.
  bool sent() const noexcept { return sent_; }

 private:
  bool sent_;
};

}  // namespace redilock
