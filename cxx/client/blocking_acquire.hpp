// A blocking acquire: does on the caller's thread what the machine says.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "client/lease_keeper.hpp"
#include "lock/acquire_machine.hpp"

namespace redilock {

// What a caller may learn of a request under way and how it may end it. An acquisition has an
// interrupt.
struct Call {
  Interrupt *interrupt = nullptr;
  std::atomic<int64_t> *position = nullptr;
};

class BlockingAcquire {
 public:
  // `try_interrupt`: of a request without a place in the queue, which need not be notified.
  BlockingAcquire(ClientContext &context, LeaseKeeper &keeper, const RequestOptions &request,
                  const Call &call, Interrupt &try_interrupt);
  ~BlockingAcquire();
  BlockingAcquire(const BlockingAcquire &) = delete;
  BlockingAcquire &operator=(const BlockingAcquire &) = delete;

  AcquireResult run();

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
  AcquireResult outcome();
  std::shared_ptr<Lease> lease();

  WaitContext limit(Interrupt *interrupt) const;
  Instant now() const { return context_.now(); }

  ClientContext &context_;
  LeaseKeeper &keeper_;
  const RequestOptions &request_;
  const Call &call_;
  Interrupt *const interrupt_;
  Interrupt &try_interrupt_;
  AcquireMachine machine_;
  std::optional<Wait> wait_;
};

}  // namespace redilock
