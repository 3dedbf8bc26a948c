// Asynchronous operations that have ended, until the caller takes them; one descriptor tells that
// there are some. To tell an end takes no memory that was not there when the operation began.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "client/running.hpp"
#include "lock/lease.hpp"
#include "values/options.hpp"
#include "values/outcome.hpp"
#include "wire/fd.hpp"
#include "wire/wait.hpp"

namespace redilock {

// The numbers are those of redilock.h.
enum class CompletionKind : int32_t {
  kAcquire = 1,
  kRelease = 2,
  kExtend = 3,
  kLoss = 4,
  kBreak = 5,
  kInfo = 6,
  kLog = 7
};

// What an operation of the C ABI and the requests that it makes, one after the other, have in
// common.
struct Control {
  Interrupt interrupt;
  std::atomic<int64_t> position{0};  // place in the queue, 1 is the next
};

struct Submission;
class AsyncAcquire;

// The end of a submission, the loss of a lease, or neither: log lines wait.
struct Completion {
  CompletionKind kind;
  uint64_t tag;
  std::shared_ptr<Submission> submission;
  std::shared_ptr<Lease> lease;
};

// One request that was submitted; what the service thread writes is read once the completion was
// taken.
struct Submission {
  Submission(CompletionKind what, RequestOptions how, uint64_t name, std::shared_ptr<Control> by)
      : kind(what), request(std::move(how)), tag(name), control(std::move(by)) {
    end.push_back({kind, tag, nullptr, nullptr});
  }

  const CompletionKind kind;
  const RequestOptions request;
  const uint64_t tag;
  const std::shared_ptr<Control> control;
  std::shared_ptr<Lease> lease;  // to release or extend, null for one by its token; or acquired
  std::shared_ptr<AsyncAcquire> begun;  // by its caller; until the service thread goes on with it

  std::optional<Running::Entry> running;  // from its submission to its end
  std::atomic<bool> abandoned{false};     // nobody wants the outcome any more
  std::atomic<bool> ended{false};         // its outcome stands
  std::atomic<bool> taken{false};         // its completion, by the caller
  std::atomic<bool> lock_taken{false};  // and its lock; or the lock was given back for want of that
  std::list<Completion> end;            // one, kept until it is pushed
  LockInfo info;                        // what a look-up found
  Outcome outcome;
};

class Completions {
 public:
  // Readable, level-triggered, while there are completions. Made at first need; throws
  // Error(kUnavailable).
  int fd();
  // Queues a completion that was allocated before.
  void push(std::list<Completion> &kept) noexcept;
  // Skips what nobody wants any more, and the losses of locks that were freed. Nothing where there
  // is none.
  std::optional<Completion> take() noexcept;

  // Makes the one completion of the log; before the first push_log().
  void keep_log() { log_.push_back({CompletionKind::kLog, 0, nullptr, nullptr}); }
  // Queues it, unless it is queued.
  void push_log() noexcept;

  bool is_empty() noexcept {
    std::lock_guard lock(mutex_);
    return queue_.empty();
  }
  // Calls `look` with the submissions whose end was not taken yet. It must not use this object.
  template <typename Look>
  void for_each(Look look) {
    std::lock_guard lock(mutex_);
    for (Completion &completion : queue_)
      if (completion.submission) look(*completion.submission);
  }

  // From now on fd() is readable for ever: there will be a last completion. Each call also wakes
  // those who poll it edge-triggered.
  void stay_readable() noexcept;
  // Drops what was not taken; fd() then fails.
  void close() noexcept;
  // In the child of a fork, whose parent may have been changing everything else.
  void close_descriptors() noexcept;

 private:
  void queue(std::list<Completion> &kept) noexcept;

  std::mutex mutex_;
  bool stays_readable_ = false;
  bool closed_ = false;
  Fd ours_, theirs_;
  std::list<Completion> queue_;
  std::list<Completion> log_;  // while it is not queued
};

}  // namespace redilock
