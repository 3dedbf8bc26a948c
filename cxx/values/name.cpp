// Builds the keys and channels of a lock name.
#include "values/name.hpp"

#include "values/slot.hpp"
#include "values/status.hpp"

namespace redilock {
namespace {

constexpr std::string_view kSideHead = "redilock:1:{";
constexpr std::string_view kQueuePart = "}:queue:";
constexpr std::string_view kFencePart = "}:fence";
constexpr std::string_view kHoldersPart = "}:holders:";

}  // namespace

void check_name(std::string_view prefix, std::string_view name) {
  if (name.empty()) throw Error(Status::kInvalid, "name: is empty");
  if (name.size() > kNameMax || prefix.size() > kNameMax - name.size()) {
    throw Error(Status::kInvalid, "name: has " + std::to_string(prefix.size() + name.size()) +
                                      " bytes, prefix included; at most 1024");
  }
  const size_t from_prefix = prefix.substr(0, kReserved.size()).size();
  if (prefix.substr(0, from_prefix) == kReserved.substr(0, from_prefix) &&
      name.substr(0, kReserved.size() - from_prefix) == kReserved.substr(from_prefix)) {
    throw Error(Status::kInvalid, "name: starts with \"redilock:\", which is reserved");
  }
}

bool is_reserved(std::string_view key) noexcept {
  return key.substr(0, kReserved.size()) == kReserved;
}

LockKeys::LockKeys(std::string_view prefix, std::string_view name)
    : lock_size_(prefix.size() + name.size()) {
  check_name(prefix, name);
  constexpr size_t kWordSize = 4;
  constexpr size_t kSideSizes = 3 * (kSideHead.size() + kWordSize) + kQueuePart.size() +
                                kFencePart.size() + kHoldersPart.size();
  text_.reserve(kSideSizes + 2 * lock_size_);
  text_.append(kSideHead).append(kWordSize, '@').append(kQueuePart).append(prefix).append(name);
  queue_end_ = text_.size();
  const auto word = slot_word(key_slot(lock()));
  text_.replace(kSideHead.size(), kWordSize, word.data(), kWordSize);
  text_.append(kSideHead).append(word.data(), kWordSize).append(kFencePart);
  fence_end_ = text_.size();
  text_.append(kSideHead).append(word.data(), kWordSize).append(kHoldersPart);
  text_.append(prefix).append(name);
}

std::string queue_pattern(std::string_view lock_pattern) {
  std::string pattern(kSideHead);
  return pattern.append("????").append(kQueuePart).append(lock_pattern);
}

std::string_view lock_key_of_queue(std::string_view queue_key) noexcept {
  constexpr size_t kWordSize = 4;
  constexpr size_t kHead = kSideHead.size() + kWordSize + kQueuePart.size();
  if (queue_key.size() <= kHead || queue_key.substr(0, kSideHead.size()) != kSideHead) return {};
  if (queue_key.substr(kHead - kQueuePart.size(), kQueuePart.size()) != kQueuePart) return {};
  return queue_key.substr(kHead);
}

std::string wake_channel(std::string_view client_id) {
  return std::string("redilock:1:{}:wake:").append(client_id);
}

std::string poll_channel(std::string_view client_id) {
  return std::string("redilock:1:{}:poll:").append(client_id);
}

}  // namespace redilock
