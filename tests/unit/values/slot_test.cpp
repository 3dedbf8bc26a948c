// Cluster slots of keys, and the slot words, against a computation that shares nothing with them.
#include "values/slot.hpp"

#include <vector>

#include "../outcome.hpp"

using redilock::key_slot;
using redilock::slot_word;

// CRC16-XMODEM, bit by bit.
static unsigned slot_by_hand(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c) << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % 16384;
}

static Outcome word(uint16_t slot) {
  return outcome_of([&] {
    const auto letters = slot_word(slot);
    return std::string(letters.data(), letters.size());
  });
}

static void published_slots(void **) {
  assert_int_equal(key_slot(""), 0);
  assert_int_equal(key_slot("123456789"), 0x31c3);
  assert_int_equal(key_slot("foo"), 12182);
  assert_int_equal(key_slot("bar"), 5061);
  assert_int_equal(key_slot("job"), 2906);
}

static void every_byte_counts(void **) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i == '{' ? '}' : i);
    assert_int_equal(key_slot(bytes), slot_by_hand(bytes));
  }
}

static void hash_part_is_between_the_first_braces_unless_empty(void **) {
  const struct {
    const char *key, *part;
  } cases[] = {
      {"{job}", "job"},    {"a{job}b", "job"}, {"{job}{x}", "job"},      {"}{job}", "job"},
      {"{{job}}", "{job"}, {"{}job", "{}job"}, {"a{}{job}", "a{}{job}"}, {"{job", "{job"},
      {"job}", "job}"},    {"}job{", "}job{"}, {"{job}x}", "job"},       {"{", "{"},
      {"{}", "{}"},        {"{ }", " "},
  };
  for (const auto &one : cases) assert_int_equal(key_slot(one.key), slot_by_hand(one.part));
  assert_int_equal(key_slot(std::string_view("{a\0b}c", 6)), slot_by_hand({"a\0b", 3}));
}

static void words_of_the_protocol(void **) {
  assert_returns(word(0), "AKOB");
  assert_returns(word(1), "@A@H");
  assert_returns(word(2906), "@NB@");
  assert_returns(word(key_slot("L")), "@@ED");
  assert_returns(word(13881), "@@@@");
  assert_returns(word(16383), "@LDC");
}

// All 65536 words in ASCII order: the first with a slot is its word.
static void each_slot_has_its_first_word(void **) {
  std::vector<bool> seen(16384);
  size_t found = 0;
  for (unsigned i = 0; i < 65536; ++i) {
    char letters[4];
    for (unsigned k = 0; k < 4; ++k) letters[k] = static_cast<char>('@' + (i >> (12 - 4 * k) & 15));
    const std::string_view candidate(letters, sizeof letters);
    const unsigned slot = slot_by_hand(candidate);
    if (seen[slot]) continue;
    seen[slot] = true;
    ++found;
    const auto word_of_slot = slot_word(static_cast<uint16_t>(slot));
    assert_memory_equal(word_of_slot.data(), letters, sizeof letters);
    assert_int_equal(key_slot(candidate), slot);
  }
  assert_int_equal(found, 16384);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(published_slots),
      cmocka_unit_test(every_byte_counts),
      cmocka_unit_test(hash_part_is_between_the_first_braces_unless_empty),
      cmocka_unit_test(words_of_the_protocol),
      cmocka_unit_test(each_slot_has_its_first_word),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
