// All commands, each defined in the file of its name.
#pragma once

#include "command.hpp"

namespace cli {

extern const Command kRunCommand;
extern const Command kAcquireCommand;
extern const Command kReleaseCommand;
extern const Command kExtendCommand;
extern const Command kShowCommand;
extern const Command kListCommand;
extern const Command kBreakCommand;
extern const Command kCheckCommand;
extern const Command kDemoCommand;
extern const Command kBenchCommand;

}  // namespace cli
