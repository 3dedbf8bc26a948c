// A blocking acquire: does on the caller's thread what the machine says.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "client/upkeep.hpp"
#include "lock/acquiring.hpp"

namespace redilock {

// What a caller may learn of a request under way and how it may end it. An acquisition has an
// interrupt.
struct Call {
  Interrupt *interrupt = nullptr;
  std::atomic<int64_t> *position = nullptr;
};

class Acquisition {
 public:
  // `try_interrupt`: of a request without a place in the queue, which need not be roused.
  Acquisition(Parts &parts, Upkeep &upkeep, const RequestOptions &request, const Call &call,
              Interrupt &try_interrupt);
  ~Acquisition();
  Acquisition(const Acquisition &) = delete;
  Acquisition &operator=(const Acquisition &) = delete;

  Acquired run();

 private:
  void step();
  void failed(const Error &error, bool sent);
  void try_once();
  void queue();
  void wait();
  void leave();
  // The wait, in the wake channel from first need to the end.
  Wait &waiting();
  void show_position(int64_t place);
  Acquired outcome();
  std::shared_ptr<Lease> lease();

  Limit limit(Interrupt *interrupt) const;
  Instant now() const { return parts_.now(); }

  Parts &parts_;
  Upkeep &upkeep_;
  const RequestOptions &request_;
  const Call &call_;
  Interrupt *const interrupt_;
  Interrupt &try_interrupt_;
  Acquiring machine_;
  std::optional<Wait> wait_;
};

}  // namespace redilock
