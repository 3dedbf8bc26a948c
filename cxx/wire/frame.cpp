#include "wire/frame.hpp"

#include <algorithm>
#include <charconv>

namespace redilock {

namespace {

constexpr size_t kFrame = 24;  // "$", a length of up to 20 digits, "\r\n"

char *put(char *at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }

char *put_length(char *at, char type, size_t length) {
  *at++ = type;
  return put(std::to_chars(at, at + kFrame, length).ptr, "\r\n");
}

}  // namespace

// hiredis formats with sprintf, word by word, which costs half of all instructions of a lock and
// its release.
void frame(const Command &words, size_t announced, std::string &bytes) {
  const size_t begin = bytes.size();
  size_t most = begin + kFrame;
  for (auto word : words) most += kFrame + word.size() + 2;
  bytes.resize(most);
  char *end = bytes.data() + begin;
  if (announced > 0) end = put_length(end, '*', announced);
  for (auto word : words) end = put(put(put_length(end, '$', word.size()), word), "\r\n");
  bytes.resize(static_cast<size_t>(end - bytes.data()));
}

}  // namespace redilock
