// One wording for `show`, `list`, `break` and the progress line.
#include "report.hpp"

#include "text.hpp"

namespace cli {
namespace {

std::string waiter_json(const Info &info, size_t index, const char *label) {
  const int64_t since_ms = redilock_info_waiter_since_ms(info.get(), index);
  const bool polls = redilock_info_waiter_polls(info.get(), index) == 1;
  return "{\"label\":" + json_string(label) +
         ",\"waits_ms\":" + (since_ms < 0 ? "null" : std::to_string(since_ms)) +
         ",\"polls\":" + (polls ? "true" : "false") + "}";
}

}  // namespace

std::string state_text(const Info &info) {
  switch (redilock_info_state(info.get())) {
    case REDILOCK_STATE_FREE:
      return "free";
    case REDILOCK_STATE_HELD:
      return "held";
    default:
      return "foreign";
  }
}

std::string holder_text(const Info &info) {
  switch (redilock_info_state(info.get())) {
    case REDILOCK_STATE_FREE:
      return "-";
    case REDILOCK_STATE_HELD:
      return printable(redilock_info_label(info.get()));
    default:
      return "(foreign)";
  }
}

std::string remaining_text(const Info &info) {
  const int64_t remaining = redilock_info_remaining_ms(info.get());
  if (redilock_info_state(info.get()) == REDILOCK_STATE_FREE) return "-";
  return remaining < 0 ? "never" : human_duration(remaining);
}

std::optional<std::string> waiter_text(const Info &info, size_t index) {
  const char *label = redilock_info_waiter_label(info.get(), index);
  if (label == nullptr) return std::nullopt;
  std::string text = std::to_string(index + 1) + ". " + printable(label);
  const int64_t since_ms = redilock_info_waiter_since_ms(info.get(), index);
  if (since_ms >= 0) text += ", waits " + human_duration(since_ms);
  if (redilock_info_waiter_polls(info.get(), index) == 1) text += ", polls";
  return text;
}

std::string info_json(const std::string &name, const Info &info) {
  const int64_t remaining = redilock_info_remaining_ms(info.get());
  std::string out = "{" + json_name(name) + ",\"state\":" + json_string(state_text(info)) +
                    ",\"label\":" + json_string(redilock_info_label(info.get())) +
                    ",\"remaining_ms\":" + (remaining < 0 ? "null" : std::to_string(remaining)) +
                    ",\"waiters\":" + std::to_string(redilock_info_waiters(info.get())) +
                    ",\"queue\":[";
  for (size_t i = 0;; ++i) {
    const char *label = redilock_info_waiter_label(info.get(), i);
    if (label == nullptr) return out + "]}";
    out += (i == 0 ? "" : ",") + waiter_json(info, i, label);
  }
}

}  // namespace cli
