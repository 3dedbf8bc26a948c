// A connected stream socket whose every call ends by a deadline. See dialing.hpp for how one comes
// to be.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "wire/fd.hpp"
#include "wire/wait.hpp"

namespace redilock {

class Socket {
 public:
  Socket(Fd fd, bool is_unix) noexcept;

  // Both throw Error(kUnavailable) where the peer is gone or the deadline has passed.
  void send(std::string_view bytes, const WaitContext &limit);
  // Sends what goes out without waiting, and returns how much. It throws only where nothing went
  // out.
  size_t send_now(std::string_view bytes);
  // Waits for bytes and returns how many came, at least one.
  size_t receive(char *buffer, size_t size, const WaitContext &limit);
  // What is there already; 0 for nothing.
  size_t receive_now(char *buffer, size_t size);

  int fd() const noexcept { return fd_.get(); }
  // Of a unix socket: the process that listened when this one connected, 0 for one that the system
  // does not name.
  std::optional<pid_t> peer_process() const noexcept;

 private:
  size_t take(char *buffer, size_t size, int flags);
  Fd fd_;
  bool is_unix_;
};

}  // namespace redilock
