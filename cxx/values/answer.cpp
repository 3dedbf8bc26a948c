#include "values/answer.hpp"

namespace redilock {

Unanswered::~Unanswered() = default;

std::string_view fence_key(const Script &script, const Command &keys) {
  const bool draws = script.fence_key >= 0 && static_cast<size_t>(script.fence_key) < keys.size();
  return draws ? keys[static_cast<size_t>(script.fence_key)] : std::string_view();
}

}  // namespace redilock
