// An acquire that nobody blocks on: does on the service thread what the machine says, without
// waiting.
#pragma once

#include <memory>
#include <optional>

#include "client/submissions.hpp"
#include "lock/acquiring.hpp"

namespace redilock {

class AsyncAcquire : public std::enable_shared_from_this<AsyncAcquire> {
 public:
  AsyncAcquire(Parts &parts, Upkeep &upkeep, Submissions &owner,
               std::shared_ptr<Submission> submission);
  ~AsyncAcquire();
  AsyncAcquire(const AsyncAcquire &) = delete;
  AsyncAcquire &operator=(const AsyncAcquire &) = delete;

  // All on the service thread. None throws: what memory was short for is done a little later, by
  // drive().
  void start() noexcept;
  void stop_if_cancelled() noexcept;
  void stop(const Error &why) noexcept;
  // Goes on until something has to be waited for.
  void drive() noexcept;
  // The client is freed and the thread has ended: nothing more is done.
  void drop() noexcept;

 private:
  bool try_step();
  bool step();
  bool subscribe();
  bool wait();
  void ask_to_try();
  void ask_to_queue();
  void ask_to_move();
  void ask_to_leave();
  template <typename Heard>
  Pipeline::Done answer_to(Heard heard);
  template <typename Heard>
  void hear(Heard heard, const Answer *answer, const Unanswered *error);
  void failed(const Error &error, bool sent);
  void finish();
  void ended(const Error &why) noexcept;
  void wake_at(Instant when);
  void stop_waiting() noexcept;

  Wait &waiting();
  Instant now() const { return parts_.now(); }

  Parts &parts_;
  Upkeep &upkeep_;
  Submissions &owner_;
  const std::shared_ptr<Submission> submission_;
  Acquiring machine_;
  std::optional<Wait> wait_;
  bool finished_ = false;
  bool asking_ = false;  // a request is under way
  Service::Timer timer_ = 0;
  Instant timer_at_ = kNever;
  Instant step_end_ = kNever, subscribing_since_{};  // of kSubscribe
};

}  // namespace redilock
