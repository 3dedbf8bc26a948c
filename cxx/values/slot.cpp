// Computes slots and slot words (docs/protocol.md, "Slot words").
#include "values/slot.hpp"

namespace redilock {
namespace {

constexpr uint16_t kPolynomial = 0x1021;
constexpr uint16_t kSlots = 16384;

constexpr std::array<uint16_t, 256> make_crc_table() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    uint16_t crc = static_cast<uint16_t>(byte << 8);
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 0x8000) != 0;
      crc = static_cast<uint16_t>(crc << 1);
      if (carry) crc = static_cast<uint16_t>(crc ^ kPolynomial);
    }
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint16_t, 256> kCrcTable = make_crc_table();

uint16_t crc16(std::string_view text) noexcept {
  uint16_t crc = 0;
  for (const char c : text) {
    const uint8_t index = static_cast<uint8_t>((crc >> 8) ^ static_cast<uint8_t>(c));
    crc = static_cast<uint16_t>(static_cast<uint16_t>(crc << 8) ^ kCrcTable[index]);
  }
  return crc;
}

std::string_view hash_part(std::string_view key) noexcept {
  const size_t open = key.find('{');
  if (open == key.npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == key.npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

// CRC is linear over the letters '@' to 'O', which differ in their low four bits alone. So each bit
// of the slot, relative to the slot of "@@@@", has a fixed pattern to xor into the word.
constexpr uint16_t kSlotOfBase = 13881;  // of "@@@@"
constexpr std::array<std::array<char, 4>, 14> kBitPatterns = {{{1, 10, 15, 10},
                                                               {0, 6, 14, 13},
                                                               {2, 7, 7, 11},
                                                               {1, 1, 0, 12},
                                                               {2, 10, 9, 1},
                                                               {3, 9, 12, 0},
                                                               {1, 15, 6, 3},
                                                               {2, 7, 7, 15},
                                                               {1, 1, 0, 4},
                                                               {2, 2, 0, 8},
                                                               {1, 11, 14, 10},
                                                               {0, 4, 12, 13},
                                                               {2, 3, 3, 11},
                                                               {1, 9, 8, 12}}};

}  // namespace

uint16_t key_slot(std::string_view key) noexcept { return crc16(hash_part(key)) % kSlots; }

std::array<char, 4> slot_word(uint16_t slot) noexcept {
  std::array<char, 4> word = {'@', '@', '@', '@'};
  const unsigned bits = slot ^ kSlotOfBase;
  for (size_t bit = 0; bit < kBitPatterns.size(); ++bit) {
    if ((bits >> bit & 1) == 0) continue;
    for (size_t i = 0; i < word.size(); ++i)
      word[i] = static_cast<char>(word[i] ^ kBitPatterns[bit][i]);
  }
  return word;
}

}  // namespace redilock
