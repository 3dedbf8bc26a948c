// Which process this is, asked so often that a system call each time would show.
#pragma once

#include <sys/types.h>

namespace redilock {

// As getpid(), also right after any kind of fork.
pid_t process_id() noexcept;

}  // namespace redilock
