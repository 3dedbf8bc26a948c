// Lock names and the keys and channels that belong to them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace redilock {

inline constexpr size_t kNameMax = 1024;
// Everything of redilock's own on a server starts with this.
inline constexpr std::string_view kReserved = "redilock:";
// Side keys: version 1 of the protocol, and the place for a cluster slot's tag.
inline constexpr std::string_view kSidePrefix = "redilock:1:{}:";
inline constexpr std::string_view kFenceKey = "redilock:1:{}:fence";

// The lock key of a name: prefix and name. Throws Error(kInvalid) for an empty name, and unless
// both together are at most kNameMax bytes that do not start with kReserved.
std::string lock_key(std::string_view prefix, std::string_view name);

// Whether a key belongs to redilock itself, and to no lock.
bool is_reserved(std::string_view key) noexcept;

std::string queue_key(std::string_view lock_key);      // kSidePrefix "queue:" lock_key
std::string wake_channel(std::string_view client_id);  // kSidePrefix "wake:" client_id

}  // namespace redilock
