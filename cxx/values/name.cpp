// Builds the keys and channels of a lock name.
#include "values/name.hpp"

#include "values/status.hpp"

namespace redilock {
namespace {

std::string joined(std::string_view first, std::string_view second, std::string_view third = {}) {
  std::string text;
  text.reserve(first.size() + second.size() + third.size());
  return text.append(first).append(second).append(third);
}

}  // namespace

std::string lock_key(std::string_view prefix, std::string_view name) {
  if (name.empty()) throw Error(Status::kInvalid, "name: is empty");
  if (name.size() > kNameMax || prefix.size() > kNameMax - name.size()) {
    throw Error(Status::kInvalid, "name: has " + std::to_string(prefix.size() + name.size()) +
                                      " bytes, prefix included; at most 1024");
  }
  std::string key = joined(prefix, name);
  if (is_reserved(key)) {
    throw Error(Status::kInvalid, "name: starts with \"redilock:\", which is reserved");
  }
  return key;
}

bool is_reserved(std::string_view key) noexcept {
  return key.substr(0, kReserved.size()) == kReserved;
}

std::string queue_key(std::string_view lock_key) { return joined(kSidePrefix, "queue:", lock_key); }

std::string wake_channel(std::string_view client_id) {
  return joined(kSidePrefix, "wake:", client_id);
}

}  // namespace redilock
