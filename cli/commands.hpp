// All commands, each defined in the file of its name.
#pragma once

#include "command.hpp"

namespace cli {

extern const Command kRunCommand;

}  // namespace cli
