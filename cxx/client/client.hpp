// What a client of the C ABI owns, and its calls: those that block, on the caller's thread, and the
// way to those that do not.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "client/beat.hpp"
#include "client/blocking_acquire.hpp"
#include "client/submissions.hpp"

namespace redilock {

class Client final {
 public:
  Client(Endpoint endpoint, ClientOptions options, const Clock &clock = system_clock());
  ~Client();

  const ClientOptions &options() const noexcept { return context_.options; }
  const Clock &clock() const noexcept { return context_.clock; }
  // Throws Error(kForked).
  void check_owner() const;
  // Throws Error(kForked), Error(kClosed).
  void check_usable() const;
  // In the child of a fork, whose threads do not exist and whose mutexes may be locked for ever.
  bool is_forked() const noexcept;

  // All of these block, as options and limits say. They return the outcome in the words for the
  // caller, or throw it where they return something else.
  AcquireResult acquire(const RequestOptions &request, const Call &call);
  // A handle for the request's token, if that holds the lock: extends it by the ttl.
  AcquireResult attach(const RequestOptions &request, const Call &call);
  Outcome release(Lease &lease, const Call &call);
  Outcome extend(Lease &lease, Millis ttl, const Call &call);
  Outcome release_token(const RequestOptions &request, const Call &call);
  Outcome extend_token(const RequestOptions &request, const Call &call);
  Outcome force_release(const RequestOptions &request, const Call &call);
  Outcome info(const RequestOptions &request, LockInfo &info, const Call &call);
  // As check_server; the name may be empty.
  std::string check(const RequestOptions &request, const Call &call);

  // A page of lock names, as Commands::list, without the prefix.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const Call &call);

  // The first request of an acquire, on the caller's thread. Where its reply neither has the lock
  // nor ends the wait, there is no lease and the status is kOk: the submission is to be submitted.
  AcquireResult try_here(const std::shared_ptr<Submission> &submission);
  // Returns at once; ends in exactly one completion, unless it is abandoned or the client is freed
  // before. Throws Error.
  void submit(const std::shared_ptr<Submission> &submission);
  // Ends the call or the submitted acquire that is under way. Async-signal-safe.
  void cancel(Control &control) noexcept;
  // Nobody will take its completion, or the lock that it acquired.
  void abandon(Submission &submission) noexcept;
  // Whether there is a completion, or will be none any more: kOk or kTimeout.
  Status wait_for_completion(Millis most);
  // Renews the lock of a submitted acquire from now on, if the request says so. Throws Error.
  void keep(const std::shared_ptr<Lease> &lease, const RequestOptions &request);
  // One completion of the loss. Throws Error.
  void watch(const std::shared_ptr<Lease> &lease, uint64_t tag);
  // kLost, kTimeout, or kNotOwner for a lock that was released.
  Status wait_for_loss(const std::shared_ptr<Lease> &lease, Millis most);
  // Releases the lock in the background.
  void drop(Lease &lease) noexcept;
  // Why the lock was lost, or its last release, extension or renewal failed; "" for neither.
  std::string message(Lease &lease) const;
  // The handle of a lock is gone.
  void let_go(Lease &lease) noexcept;
  Completions &completions() noexcept { return context_.completions; }
  Log &log() noexcept { return context_.telemetry.log; }
  const Statistics &statistics() const noexcept { return context_.telemetry.statistics; }

  // Whether the client is closed and every submitted request has its completion.
  bool is_finished() const noexcept;
  bool is_closed() const noexcept { return context_.running.is_closed(); }

  // Ends all calls and submitted requests with CLOSED soon; every later call says CLOSED. Any
  // thread, more than once.
  void close() noexcept;
  // Closes, waits for the calls that run, and ends the service and the connections.
  void shut_down() noexcept;
  // Instead of the destructor in the child of a fork: the parent's threads may have been changing
  // anything, so only the descriptors are closed, and the memory is kept.
  void leave_to_parent() noexcept;

 private:
  // A call that blocks begins. Throws Error(kForked), Error(kClosed).
  Running::Entry begin(const Call &call);
  AcquireResult acquire_now(const RequestOptions &request, const Call &call);
  template <typename Make>
  Outcome run(const std::string &name, const char *verb, const Call &call, Make make);
  Outcome run(LockCall &call, const WaitContext &limit);
  Interrupt &interrupt_of(const Call &call);
  WaitContext limit_of(const Call &call);

  const pid_t owner_;
  Client *left_before_ = nullptr;
  std::atomic<bool> shut_down_{false};
  ClientContext context_;
  LeaseKeeper keeper_;
  Beat beat_;
  Submissions submissions_;
};

}  // namespace redilock
