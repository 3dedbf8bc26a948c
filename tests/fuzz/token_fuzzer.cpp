// Tokens, names and pushed messages: the first line of the input is looked at as each of them, the second
// is the label of a token, or the lock's name behind a prefix.
#include <algorithm>
#include <cstdint>

#include "check.hpp"
#include "lock/commands.hpp"
#include "values/name.hpp"
#include "values/token.hpp"

using namespace redilock;

namespace {

bool is_id(std::string_view id) {
  return id.size() == kTokenIdLength && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void look_at_token(std::string_view text) {
  if (!is_token(text)) return;
  MUST(is_id(token_id(text)) && is_label(token_label(text)));
  MUST(make_token(token_id(text), token_label(text)) == text);
}

void look_at_label(std::string_view label) {
  const std::string token = make_token(std::string(kTokenIdLength, 'a'), label);
  MUST(is_token(token) == is_label(label));
  if (is_token(token)) MUST(token_label(token) == label);
}

void look_at_push(std::string_view text) {
  const auto push = parse_push(text);
  if (!push) return;
  MUST(push->id.size() == kTokenIdLength);
  MUST(push->fence > 0 && push->fence < kFenceEnd);
  MUST(push->grant_us > 0 && push->grant_us < kFenceEnd);
  const auto again = parse_push(push->id + " " + std::to_string(push->fence) + " " +
                                std::to_string(push->grant_us));
  MUST(again && again->id == push->id && again->fence == push->fence);
  MUST(again->grant_us == push->grant_us);
}

void look_at_name(std::string_view prefix, std::string_view name) {
  try {
    const LockKeys keys(prefix, name);
    MUST(keys.lock == std::string(prefix).append(name) && keys.lock.size() <= kNameMax);
    MUST(!name.empty() && keys.lock.substr(0, kReserved.size()) != kReserved);
    MUST(keys.queue.substr(0, kReserved.size()) == kReserved && keys.queue != kFenceKey);
  } catch (const Error &error) {
    MUST(error.status() == Status::kInvalid);
    const bool fits = !name.empty() && prefix.size() + name.size() <= kNameMax;
    MUST(!fits || std::string(prefix).append(name).substr(0, kReserved.size()) == kReserved);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view rest(reinterpret_cast<const char *>(data), size);
  const std::string_view line = fuzz::next_line(rest);
  look_at_token(line);
  look_at_label(rest);
  look_at_push(line);
  look_at_name(line, rest);
  return 0;
}
