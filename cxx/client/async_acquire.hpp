// An acquire that nobody blocks on: does on the service thread what the machine says, without
// waiting.
#pragma once

#include <memory>
#include <optional>

#include "client/lease_keeper.hpp"
#include "lock/acquire_machine.hpp"

namespace redilock {

// Who has begun an acquire.
class AcquireOwner {
 public:
  virtual ~AcquireOwner() = default;
  // The acquire has ended.
  virtual void acquired(const std::shared_ptr<Submission> &submission,
                        const Outcome &outcome) noexcept = 0;
  // There is no memory to go on with now.
  virtual void drive_later() noexcept = 0;
};

class AsyncAcquire : public std::enable_shared_from_this<AsyncAcquire> {
 public:
  AsyncAcquire(ClientContext &context, LeaseKeeper &keeper, AcquireOwner &owner,
               std::shared_ptr<Submission> submission);
  ~AsyncAcquire();
  AsyncAcquire(const AsyncAcquire &) = delete;
  AsyncAcquire &operator=(const AsyncAcquire &) = delete;

  // On the caller's thread, before the submission is the service thread's: sends the first request
  // and waits for its reply. Returns whether the acquire has ended.
  bool try_here();
  // How it ended, with the lease in the submission; or nobody goes on with it.
  Outcome end() noexcept;
  void take_back() noexcept;

  // The rest on the service thread. None throws: what memory was short for is done a little later,
  // by drive().
  void start() noexcept;
  // Goes on after try_here().
  void resume() noexcept;
  void stop_if_cancelled() noexcept;
  void stop(const Error &why) noexcept;
  // Goes on until something has to be waited for.
  void drive() noexcept;
  // The client is freed and the thread has ended: nothing more is done.
  void drop() noexcept;

 private:
  void ask_here();
  bool try_step();
  bool step();
  bool subscribe();
  bool wait();
  void ask_to_try();
  void ask_to_queue();
  void ask_to_move();
  void ask_to_leave();
  void queue_replied(const AcquireReply &reply);
  template <typename OnReply>
  Pipeline::Done answer_to(OnReply on_reply);
  template <typename OnReply>
  void receive(OnReply on_reply, const Answer *answer, const Unanswered *error);
  void failed(const Error &error, bool sent);
  Outcome counted(Outcome outcome) noexcept;
  void wake_at(Instant when);
  void stop_waiting() noexcept;

  // `caller`: who waits, if not the service thread.
  Wait &waiting(Interrupt *caller = nullptr);
  Instant now() const { return context_.now(); }

  ClientContext &context_;
  LeaseKeeper &keeper_;
  AcquireOwner &owner_;
  const std::shared_ptr<Submission> submission_;
  AcquireMachine machine_;
  std::optional<Wait> wait_;
  bool finished_ = false;
  bool asking_ = false;  // a request is under way
  EventLoop::Timer timer_ = 0;
  Instant timer_at_ = kNever;
  Instant step_end_ = kNever, subscribing_since_{};  // of kSubscribe
};

}  // namespace redilock
