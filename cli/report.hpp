// What is known of a lock as text and as JSON, for the commands that look.
#pragma once

#include <optional>
#include <string>

#include "session.hpp"

namespace cli {

// "free", "held" or "foreign".
std::string state_text(const Info &info);
// The holder's label, "(foreign)" or "-".
std::string holder_text(const Info &info);
// "12s", "never" for a key without expiry, "-" where nobody holds it.
std::string remaining_text(const Info &info);
// "1. host/1234, waits 12s, polls" for the waiter at a place from 0; nothing past the last known.
std::optional<std::string> waiter_text(const Info &info, size_t index);
// An object without a newline.
std::string info_json(const std::string &name, const Info &info);

}  // namespace cli
