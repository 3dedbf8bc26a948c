// What the system says of an errno.
#pragma once

#include <string>

namespace redilock {

std::string system_error_text(int error);

}  // namespace redilock
