// What is known of a lock as text and as JSON, for the commands that look.
#pragma once

#include <string>

#include "session.hpp"

namespace cli {

// "free", "held" or "foreign".
std::string state_text(const Info &info);
// The holder's label, "(foreign)" or "-".
std::string holder_text(const Info &info);
// "12s", "never" for a key without expiry, "-" where nobody holds it.
std::string remaining_text(const Info &info);
// An object without a newline.
std::string info_json(const std::string &name, const Info &info);

}  // namespace cli
