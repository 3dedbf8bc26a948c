// The cluster slot of a lock key, and the word that puts other keys into the same slot.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace redilock {

// Redis Cluster's slot of a key: CRC16-XMODEM modulo 16384 of its hash part. The hash part is the
// text between the first '{' and the next '}' if that is not empty, else the whole key.
uint16_t key_slot(std::string_view key) noexcept;

// Four letters from '@' to 'O' whose own slot is `slot`: the first such word in ASCII order.
// `slot` is below 16384.
std::array<char, 4> slot_word(uint16_t slot) noexcept;

}  // namespace redilock
