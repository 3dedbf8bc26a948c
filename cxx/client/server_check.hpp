// Whether a server can be used: its version, and each permission that redilock needs.
#pragma once

#include <string>

#include "values/name.hpp"
#include "wire/server.hpp"

namespace redilock {

// Connects and runs every command that redilock uses, in a way that changes nothing, with the keys
// of a lock that is neither acquired nor released. Returns the server's address and version. Throws
// Error: kAuth names the first permission that is missing.
std::string check_server(Server &server, const LockKeys &keys, const WaitContext &limit);

}  // namespace redilock
