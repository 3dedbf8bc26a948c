// One acquire from the first request to its single outcome: a lease, or nothing left behind.
#pragma once

#include <optional>

#include "client/client.hpp"

namespace redilock {

class Acquisition {
 public:
  Acquisition(Client &client, const RequestOptions &request, const Call &call);

  Acquired run();

 private:
  std::optional<Granted> try_once();
  std::optional<Granted> wait_in_queue();
  std::optional<Granted> wait_loop(Wait &wait);
  std::optional<Granted> ask(Wait &wait);
  std::optional<Granted> pushed(Wait &wait);
  std::optional<Granted> usable(const Granted &granted);
  void leave();
  std::shared_ptr<Lease> lease(const Granted &granted);
  void show_position(int64_t place);

  Limit limit_of(Instant deadline) const { return {client_.clock_, deadline, interrupt_}; }
  Instant now() const { return client_.clock_.now(); }

  Client &client_;
  const RequestOptions &request_;
  const Call &call_;
  Interrupt own_interrupt_;
  Interrupt *interrupt_;
  const Claim claim_;
  const Instant start_;
  const Instant wait_end_;
  bool asked_ = false;  // a request to queue may have reached the server
  int slow_grants_ = 0;
};

}  // namespace redilock
