// A socket that is being connected, step by step and without waiting: the name is resolved, and its
// addresses are tried one after the other.
#pragma once

#include <poll.h>

#include <optional>
#include <vector>

#include "wire/resolver.hpp"
#include "wire/socket.hpp"

namespace redilock {

class Dialer {
 public:
  // Throws Error(kInvalid), Error(kUnavailable) as Resolution does.
  Dialer(const Endpoint &endpoint, const Clock &clock, Instant deadline);

  // Does what can be done now. Nothing comes back before it is connected; throws
  // Error(kUnavailable) where no address works or the deadline has passed.
  std::optional<Socket> step();
  // What the next step waits for, and when it is due whatever comes.
  pollfd wanted() const noexcept;
  Instant next_step() const noexcept { return share_end_; }
  // The one under way, or -1.
  int socket() const noexcept { return fd_.get(); }

 private:
  int begin();
  int progress() const;

  const Clock &clock_;
  const Instant deadline_;
  const std::string endpoint_;
  Resolution resolving_;
  std::vector<Address> addresses_;
  size_t tried_ = 0;  // of them, the one under way included
  Fd fd_;             // of the one under way
  Instant share_end_;
};

}  // namespace redilock
