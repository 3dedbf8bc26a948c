// The scripts' replies as values. What a server says is not trusted: a reply of another form is an
// Error(kProtocol), and never a grant.
#pragma once

#include <string>
#include <vector>

#include "lock/commands.hpp"

namespace redilock {

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

// The keys of a page of SCAN; `cursor` becomes that of the next.
std::vector<std::string> read_page(const Reply &reply, std::string &cursor);

}  // namespace redilock
