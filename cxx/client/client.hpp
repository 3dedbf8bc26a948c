// What a client of the C ABI owns, and how its calls go: the fast path on the caller's thread, the
// wait in the queue, renewal and undoing on the service thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>

#include "client/cancels.hpp"
#include "client/completions.hpp"
#include "client/service.hpp"
#include "client/wake_channel.hpp"
#include "lock/commands.hpp"
#include "lock/lease.hpp"
#include "values/options.hpp"
#include "values/token.hpp"
#include "values/url.hpp"
#include "wire/pipeline.hpp"

namespace redilock {

// What a caller may learn of a request under way and how it may end it.
struct Call {
  Interrupt *interrupt = nullptr;
  std::atomic<int64_t> *position = nullptr;
};

// The lease, or why there is none: kHeld or kTimeout.
struct Acquired {
  Status status;
  std::shared_ptr<Lease> lease;
};

class AsyncAcquire;

class Client final : Pollable {
 public:
  Client(Endpoint endpoint, ClientOptions options, const Clock &clock = system_clock());
  ~Client();

  const ClientOptions &options() const noexcept { return options_; }
  const Clock &clock() const noexcept { return clock_; }
  // Throws Error(kForked), Error(kClosed).
  void check_usable() const;
  // In the child of a fork, whose threads do not exist and whose mutexes may be locked for ever.
  bool is_forked() const noexcept;

  // All of these block, as options and limits say, and throw Error.
  Acquired acquire(const RequestOptions &request, const Call &call);
  Status release(Lease &lease, const Call &call);
  Status extend(Lease &lease, Millis ttl, const Call &call);
  // Its handle is gone. Does not block.
  void let_go(Lease &lease) noexcept;
  Status release_token(const RequestOptions &request, const Call &call);
  Status extend_token(const RequestOptions &request, const Call &call);
  Status force_release(const RequestOptions &request, const Call &call);
  LockInfo info(const RequestOptions &request, const Call &call);

  // A page of lock names, as Commands::list, without the prefix.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const Call &call);

  // Returns at once; ends in exactly one completion, unless it is abandoned or the client closed
  // before. Throws Error.
  void submit(const std::shared_ptr<Submission> &submission);
  // Ends the call or the submitted acquire that is under way. Async-signal-safe.
  void cancel(Control &control) noexcept;
  // Nobody will take its completion, or the lock that it acquired.
  void abandon(Submission &submission) noexcept;
  Completions &completions() noexcept { return completions_; }

  // Ends the service and the connections; every later call says CLOSED.
  void close() noexcept;
  // Instead of the destructor in the child of a fork: the parent's threads may have been changing
  // anything, so only the descriptors are closed, and the memory is kept.
  void leave_to_parent() noexcept;

 private:
  friend class Acquisition;
  friend class AsyncAcquire;
  Claim claim(const RequestOptions &request);
  // `teller`: who is told of its loss, or null.
  std::shared_ptr<Lease> lease(const RequestOptions &request, const Claim &claim,
                               const Granted &granted,
                               const std::shared_ptr<Submission> &teller = nullptr);
  Status check_extend(Lease &lease, Millis ttl, std::optional<Instant> anchor);

  // In the background, by the service thread (upkeep.cpp).
  struct Renewal;
  struct Undo;
  void renew(const std::shared_ptr<Lease> &lease, const std::shared_ptr<Submission> &teller);
  std::optional<Instant> renew_once(const std::shared_ptr<Renewal> &renewal);
  void renewed(Renewal &renewal, Millis ttl, const Answer &answer);
  void watch(const std::shared_ptr<Submission> &submission);
  bool begin_release(Lease &lease) noexcept;
  void end_upkeep(const Lease &lease) noexcept;
  void undo(const Claim &claim) noexcept;
  std::optional<Instant> undo_once(const std::shared_ptr<Undo> &undo);
  bool undone(const Undo &undo, const Answer *answer, const Unanswered *error) const;

  // Submissions, on the service thread (submissions.cpp), which polls here for acquires that were
  // cancelled, or that memory was short for.
  pollfd wanted() override { return {-1, 0, 0}; }
  Instant next_run() override { return drive_at_; }
  void run(Interrupt &) noexcept override { run_meanwhile(); }
  Instant run_meanwhile() noexcept override;
  void drive_later() noexcept;
  void begin(const std::shared_ptr<Submission> &submission) noexcept;
  void begin_acquire(const std::shared_ptr<Submission> &submission);
  void begin_release(const std::shared_ptr<Submission> &submission);
  void begin_extend(const std::shared_ptr<Submission> &submission);
  void acquired(const std::shared_ptr<AsyncAcquire> &acquire, const Error &outcome) noexcept;
  void complete(const std::shared_ptr<Submission> &submission, const Error &outcome) noexcept;
  template <typename Heard>
  Pipeline::Done completing(const std::shared_ptr<Submission> &submission, Heard heard);
  std::optional<Claim> claim_of(const Submission &submission) const;
  Error released(Lease &lease, const Answer *answer, const Unanswered *error);
  Error released(const Claim &claim, const Answer *answer, const Unanswered *error);
  bool released(const Claim &claim, const Answer &answer);
  Error extended(Lease &lease, Millis ttl, const Answer *answer, const Unanswered *error);
  void give_back(Submission &submission) noexcept;
  LockKeys keys_of(const RequestOptions &request) const;

  const pid_t owner_;
  Client *left_before_ = nullptr;
  const Clock &clock_;
  const ClientOptions options_;
  std::atomic<bool> closed_{false};
  RandomIds ids_;
  Server server_;
  Commands commands_;
  WakeChannel wake_;
  Pipeline pipeline_;
  Completions completions_;
  Cancels cancels_;
  Instant drive_at_ = kNever;  // touched by the service thread alone, as is
  std::map<const Control *, std::shared_ptr<AsyncAcquire>> acquiring_;
  Service service_;
};

}  // namespace redilock
