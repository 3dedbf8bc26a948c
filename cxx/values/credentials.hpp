// What a client shows to be let in, and texts of the server made fit for messages: without it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redilock {

struct Credentials {
  std::string username, password;
  int64_t db = 0;
};

// The text without the password, the user name and the ids of tokens, which release a lock: each
// one becomes "***", in any letter case, an id also without what stands before it in a token.
// `credentials` may be null.
std::string redacted(std::string_view text, const Credentials *credentials);
// The same for a text that the peer may not have finished: its end may be the begin of a secret.
std::string redacted_part(std::string_view text, const Credentials &credentials);

}  // namespace redilock
