// A connection that was closed while requests on it had no answer. The server may still read them,
// so another connection has it ended there, and only it.
#pragma once

#include <optional>

#include "wire/connection.hpp"

namespace redilock {

struct Abandoned {
  ClientId client;
  Instant known_at;           // since when the client knows `client`
  std::optional<pid_t> peer;  // of a unix socket: the process that listened
  bool operator==(const Abandoned &other) const noexcept {
    return client.number == other.client.number && known_at == other.known_at;
  }
};

enum class End {
  kKill,     // the server may still run what the connection carries
  kNone,     // it cannot: the process that had the connection is not the one behind the new one
  kUnknown,  // nobody can say which connection that is
};

// How a new connection, which was dialled at `dialled`, ends the abandoned one.
End end_of(const Abandoned &abandoned, const Connection &by, Instant dialled);

// CLIENT KILL of exactly this connection. `number` is its id as text, which has to live as long.
Command kill_command(const Abandoned &abandoned, std::string_view number);

}  // namespace redilock
