// Where the server is: redis:// and unix:// urls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "values/options.hpp"

namespace redilock {

struct Endpoint {
  std::string host;  // name or address, without the brackets of IPv6; "" for a unix socket
  uint16_t port = 6379;
  std::string socket_path;  // "" for TCP

  bool is_unix() const { return !socket_path.empty(); }
  std::string text() const;  // for messages: "host:port", "[::1]:port" or the path; no credentials
};

// Reads "redis://[user[:password]@]host[:port][/db][?option=value&...]" or
// "unix:///path.sock?db=N&option=value" and stores user, password, db and options into `options`,
// over what stands there; the query counts before the rest of the url, and what the url leaves out
// or empty stays as it was. "valkey://" is read as "redis://". Percent-encoding is decoded in every
// part (a password may hold a raw "@" but no raw
// "/" or "?"; "+" and "#" are plain characters; %00 is refused). On failure `options` stay as they
// were. Throws Error(kInvalid) that names the wrong part and shows no user or password, or
// Error(kUnsupported) for rediss://, redis+sentinel://, redis+cluster:// and the like, and several
// hosts.
Endpoint parse_url(std::string_view url, ClientOptions &options);

}  // namespace redilock
