// Asynchronous operations: from the caller's submission to its one completion. On the service
// thread, which polls here for what was submitted or cancelled, or what memory was short for.
#pragma once

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "client/async_acquire.hpp"
#include "client/calls.hpp"
#include "client/cancels.hpp"
#include "client/lease_keeper.hpp"

namespace redilock {

class Submissions final : public Pollable, public AcquireOwner {
 public:
  // As many begin before what else is due has its turn, however many were submitted.
  static constexpr int kBatchSize = 64;

  Submissions(ClientContext &context, LeaseKeeper &keeper);
  ~Submissions() override;

  // On the caller's thread: the first request of an acquire. Where that does not end it, it is to
  // be submitted, or else taken back.
  AcquireResult try_here(const std::shared_ptr<Submission> &submission);
  void take_back(Submission &submission) noexcept;
  // Any thread, as the next two. Throws Error.
  void submit(const std::shared_ptr<Submission> &submission);
  // Ends the acquire that is under way. Async-signal-safe.
  void cancel(const Control &control) noexcept;
  // Nobody will take its completion, or the lock that it acquired.
  void abandon(Submission &submission) noexcept;
  // The client is closed: releases the grants whose completions nobody took.
  void give_back_untaken() noexcept;
  // Nothing more is done, once the thread has ended.
  void drop() noexcept;

  // Whether everything that was submitted has its completion.
  bool are_ended() const noexcept { return open_ == 0; }

  void acquired(const std::shared_ptr<Submission> &submission,
                const Outcome &outcome) noexcept override;
  void drive_later() noexcept override;

  void add_wanted(std::vector<pollfd> &) override {}
  Instant next_run() override { return taken_.empty() ? std::min(drive_at_, end_at_) : Instant(); }
  void run() noexcept override;

 private:
  void begin_some() noexcept;
  void stop_cancelled() noexcept;
  void close_down() noexcept;
  void begin(const std::shared_ptr<Submission> &submission) noexcept;
  void begin_acquire(const std::shared_ptr<Submission> &submission);
  std::shared_ptr<LockCall> call_of(Submission &submission);
  void run(const std::shared_ptr<Submission> &submission, const std::shared_ptr<LockCall> &call);
  Outcome described(const Submission &submission, const Outcome &outcome) const noexcept;
  void complete(const std::shared_ptr<Submission> &submission, const Outcome &outcome) noexcept;
  void give_back(Submission &submission) noexcept;

  ClientContext &context_;
  LeaseKeeper &keeper_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Submission>> submitted_;  // guarded by the mutex
  Cancels cancels_;
  std::atomic<int64_t> open_{0};
  // Touched by the service thread alone:
  std::list<std::shared_ptr<Submission>> taken_;  // out of those submitted
  Instant drive_at_ = kNever;
  bool closing_ = false;
  Instant end_at_ = kNever;  // of the requests of a closed client
  std::map<const Control *, std::shared_ptr<AsyncAcquire>> acquiring_;
};

}  // namespace redilock
