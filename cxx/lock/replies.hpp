// The scripts' replies as values. What a server says is not trusted: a reply of another form is an
// Error(kProtocol), and never a grant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lock/commands.hpp"
#include "wire/credentials.hpp"

namespace redilock {

// What the value of a lock key says, for messages: "held by web1/4711", "held by a foreign client",
// "held by shared holders", "at rest", or "" for a free lock. Never shows more of a token than its
// label; `secrets`: what no label may show, or null.
std::string holding(std::string_view value, const Credentials *secrets);

// `may_wait`: the request was to queue where the lock is held.
AcquireReply read_acquire(const Answer &answer, const Claim &claim, bool may_wait);

struct Release {
  bool owned;  // the token held the lock
  bool more;   // dead waiters are left: to be called again
};
Release read_release(const Reply &reply);

// Whether the token holds the lock.
bool read_extend(const Reply &reply);

BeatReply read_beat(const Answer &answer);

LockInfo read_info(const Reply &reply);
// Who holds the lock, by the same reply; "" for nobody.
std::string read_holding(const Answer &answer);

// The keys of a page of SCAN; `cursor` becomes that of the next.
std::vector<std::string> read_page(const Reply &reply, std::string &cursor);

}  // namespace redilock
