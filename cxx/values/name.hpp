// Lock names, and the keys and channels that belong to them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace redilock {

inline constexpr size_t kNameMax = 1024;
// Every key and channel of redilock's own on a server starts with this.
inline constexpr std::string_view kReserved = "redilock:";
// Where a client keeps its liveness records. The tag in {} is empty on one server; on a cluster it
// would be the slot word of the names for which the client waits.
inline constexpr std::string_view kAliveKey = "redilock:1:{}:alive";
// The lock key's value while several holders share the lock, and while a minimum hold runs out.
inline constexpr std::string_view kSharedValue = "redilock:shared";
inline constexpr std::string_view kRestValue = "redilock:rest";

// Throws Error(kInvalid) for an empty name, and unless prefix and name together have at most
// kNameMax bytes that do not start with kReserved.
void check_name(std::string_view prefix, std::string_view name);

// Whether a key belongs to redilock itself, and to no lock.
bool is_reserved(std::string_view key) noexcept;

// The keys of one lock. The lock key is prefix and name, byte for byte. The side keys carry its
// slot word in {}, so that all keys of a lock are in one slot of a cluster.
class LockKeys {
 public:
  // Throws Error(kInvalid) as check_name().
  LockKeys(std::string_view prefix, std::string_view name);

  std::string_view lock() const noexcept { return part(queue_end_ - lock_size_, queue_end_); }
  std::string_view queue() const noexcept { return part(0, queue_end_); }
  std::string_view fence() const noexcept { return part(queue_end_, fence_end_); }
  std::string_view holders() const noexcept { return part(fence_end_, text_.size()); }

 private:
  std::string_view part(size_t begin, size_t end) const noexcept {
    return {text_.data() + begin, end - begin};
  }

  std::string text_;  // queue key, fence key, holders key: one allocation for all
  size_t lock_size_, queue_end_, fence_end_;
};

// A glob pattern of queue keys, from one of lock keys; and the lock key of a queue key, or an empty
// text if the key is no queue key.
std::string queue_pattern(std::string_view lock_pattern);
std::string_view lock_key_of_queue(std::string_view queue_key) noexcept;

// The channels of a client: one that it subscribes, and one that only names a client which polls.
std::string wake_channel(std::string_view client_id);
std::string poll_channel(std::string_view client_id);

}  // namespace redilock
