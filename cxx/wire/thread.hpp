// Threads of the library's own: they block every signal, so that the host's handlers run on the
// host's threads.
#pragma once

#include <functional>
#include <thread>

namespace redilock {

// Throws Error(kUnavailable) where the system has no thread to give.
std::thread start_thread(std::function<void()> body);

}  // namespace redilock
