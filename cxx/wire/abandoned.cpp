#include "wire/abandoned.hpp"

namespace redilock {

// The address alone tells a TCP connection of one server from that of another, or of the same one
// before its restart. All clients of a unix socket have one address, so there the process has to be
// the same: ids start anew with each process. While a process lives, ids rise: one that was known
// before the new connection was dialled, and is not below its id, is from another.
End end_of(const Abandoned &abandoned, const Connection &by, Instant dialled) {
  const auto peer = by.peer_process();
  if (peer == 0 || abandoned.peer == 0) return End::kUnknown;  // of another pid namespace
  if (peer != abandoned.peer) return End::kNone;
  const bool is_below = by.client().number == 0 || abandoned.client.number < by.client().number;
  return is_below || abandoned.known_at >= dialled ? End::kKill : End::kNone;
}

// TYPE, so that the link of a replica is safe whatever its id and address.
Command kill_command(const Abandoned &abandoned, std::string_view number) {
  return {"CLIENT", "KILL", "ID", number, "ADDR", abandoned.client.address, "TYPE", "normal"};
}

}  // namespace redilock
