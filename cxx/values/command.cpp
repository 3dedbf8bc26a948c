#include "values/command.hpp"

#include "values/status.hpp"

namespace redilock {

void Command::refuse_word() { throw Error(Status::kInternal, "a command has too many words"); }

}  // namespace redilock
