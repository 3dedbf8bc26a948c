/* Finds slot words by trying them all. */
#include "support/side_keys.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { kSlots = 16384, kTexts = 4, kTextSize = 1200 };

static unsigned crc16(const char *text, size_t size) {
  unsigned crc = 0;
  for (size_t i = 0; i < size; ++i) {
    crc ^= (unsigned)(unsigned char)text[i] << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc;
}

static unsigned slot_of(const char *key) {
  const char *open = strchr(key, '{'), *close = open == NULL ? NULL : strchr(open + 1, '}');
  if (close != NULL && close > open + 1)
    return crc16(open + 1, (size_t)(close - open - 1)) % kSlots;
  return crc16(key, strlen(key)) % kSlots;
}

static void find_word(const char *key, char word[5]) {
  const unsigned slot = slot_of(key);
  for (unsigned i = 0; i < 1u << 16; ++i) {
    for (int letter = 0; letter < 4; ++letter)
      word[letter] = (char)('@' + (i >> (4 * (3 - letter)) & 15));
    word[4] = '\0';
    if (crc16(word, 4) % kSlots == slot) return;
  }
}

static char *next_text(void) {
  static _Thread_local char texts[kTexts][kTextSize];
  static _Thread_local unsigned next;
  return texts[next++ % kTexts];
}

const char *queue_of(const char *lock_key) {
  char word[5], *text = next_text();
  find_word(lock_key, word);
  snprintf(text, kTextSize, "redilock:1:{%s}:queue:%s", word, lock_key);
  return text;
}

const char *fence_of(const char *lock_key) {
  char word[5], *text = next_text();
  find_word(lock_key, word);
  snprintf(text, kTextSize, "redilock:1:{%s}:fence", word);
  return text;
}

const char *holders_of(const char *lock_key) {
  char word[5], *text = next_text();
  find_word(lock_key, word);
  snprintf(text, kTextSize, "redilock:1:{%s}:holders:%s", word, lock_key);
  return text;
}
