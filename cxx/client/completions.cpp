#include "client/completions.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "values/system_error.hpp"

namespace redilock {

namespace {

bool tell(int fd) {
  const char byte = 0;
  return ::send(fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

bool is_wanted(const Completion &completion) {
  if (completion.kind == CompletionKind::kLog) return true;
  return completion.submission ? !completion.submission->abandoned : !completion.lease->is_let_go();
}

}  // namespace

int Completions::fd() {
  std::lock_guard lock(mutex_);
  if (theirs_) return theirs_.get();
  int pair[2];
  if (closed_) throw client_closed();
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    throw Error(Status::kUnavailable,
                "cannot make a descriptor for completions: " + system_error_text(errno), true);
  ours_.reset(pair[0]);
  theirs_.reset(pair[1]);
  if (!queue_.empty() || stays_readable_) tell(ours_.get());
  return theirs_.get();
}

void Completions::push(std::list<Completion> &kept) noexcept {
  if (kept.empty()) return;
  std::lock_guard lock(mutex_);
  queue(kept);
}

void Completions::push_log() noexcept {
  std::lock_guard lock(mutex_);
  if (!log_.empty()) queue(log_);
}

void Completions::queue(std::list<Completion> &kept) noexcept {
  if (closed_) return kept.clear();
  queue_.splice(queue_.end(), kept);
  if (ours_ && queue_.size() == 1 && !stays_readable_) tell(ours_.get());
}

std::optional<Completion> Completions::take() noexcept {
  std::list<Completion> unwanted;  // goes after the lock
  std::lock_guard lock(mutex_);
  std::optional<Completion> completion;
  if (queue_.empty()) return completion;
  while (!completion && !queue_.empty()) {
    if (is_wanted(queue_.front())) completion = queue_.front();
    auto &into = queue_.front().kind == CompletionKind::kLog ? log_ : unwanted;
    into.splice(into.end(), queue_, queue_.begin());
  }
  char byte;
  if (theirs_ && queue_.empty() && !stays_readable_) [[maybe_unused]]
    auto taken = ::recv(theirs_.get(), &byte, 1, MSG_DONTWAIT);
  return completion;
}

void Completions::stay_readable() noexcept {
  std::lock_guard lock(mutex_);
  stays_readable_ = true;
  if (!ours_ || tell(ours_.get())) return;
  // Full: only after some bytes are read can another one wake those who poll edge-triggered.
  char bytes[64];
  if (::recv(theirs_.get(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) tell(ours_.get());
}

void Completions::close() noexcept {
  std::list<Completion> dropped;
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(queue_);
  close_descriptors();
}

void Completions::close_descriptors() noexcept {
  ours_.reset();
  theirs_.reset();
}

}  // namespace redilock
