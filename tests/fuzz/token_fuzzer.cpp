// Reads tokens, names and pushed messages: the first line of the input as each of them, the second as
// the label of a token, or as the lock's name behind a prefix.
#include <algorithm>
#include <cstdint>

#include "check.hpp"
#include "lock/push.hpp"
#include "values/fence.hpp"
#include "values/name.hpp"
#include "values/slot.hpp"
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
  MUST(push->server_us > 0 && push->server_us < kFenceEnd);
  const bool is_grant = push->kind == Push::Kind::kGrant;
  const std::string head = (is_grant ? "" : "next ") + push->id + " ";
  const int64_t number = is_grant ? push->fence : push->recheck_in.count();
  if (is_grant)
    MUST(number > 0 && number < kFenceEnd && push->recheck_in == Millis(0));
  else
    MUST(number >= 0 && number <= kTtlMax.count() && push->fence == 0);
  const std::string same = head + std::to_string(number) + " " + std::to_string(push->server_us);
  // A later version may add fields.
  for (const char *more : {"", " ", " more 1"}) {
    const auto again = parse_push(same + more);
    MUST(again && again->kind == push->kind && again->id == push->id);
    MUST(again->fence == push->fence && again->recheck_in == push->recheck_in);
    MUST(again->server_us == push->server_us);
  }
}

void look_at_name(std::string_view prefix, std::string_view name) {
  try {
    const LockKeys keys(prefix, name);
    const std::string lock = std::string(prefix).append(name);
    MUST(keys.lock() == lock && lock.size() <= kNameMax);
    MUST(!name.empty() && !is_reserved(lock));
    MUST(lock_key_of_queue(keys.queue()) == lock);
    for (const std::string_view side : {keys.queue(), keys.fence(), keys.holders()})
      MUST(is_reserved(side) && key_slot(side) == key_slot(lock));
    MUST(keys.queue() != keys.fence() && keys.queue() != keys.holders());
    MUST(keys.fence() != keys.holders());
  } catch (const Error &error) {
    MUST(error.status() == Status::kInvalid);
    const bool fits = !name.empty() && prefix.size() + name.size() <= kNameMax;
    MUST(!fits || is_reserved(std::string(prefix).append(name)));
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
  MUST(lock_key_of_queue(line).size() < std::max<size_t>(line.size(), 1));
  return 0;
}
