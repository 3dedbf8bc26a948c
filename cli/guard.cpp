// The side of `run`.
#include "guard.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "command.hpp"
#include "process_tree.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPauseMs = 20;  // between two looks at a command that is no child

}  // namespace

Guard::Guard(const GuardSpec &spec, Signals &signals) : spec_(spec) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Failure(kExitInternal, std::string("socketpair: ") + std::strerror(errno));
  }
  socket_ = Fd(ends[0]);
  Fd theirs(ends[1]);
  // What a killed guard leaves becomes ours: any time a tree, else a command of which the
  // guard has not reported the start.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_ = fork();
  if (pid_ < 0) throw Failure(kExitInternal, std::string("fork: ") + std::strerror(errno));
  if (pid_ > 0) return;
  socket_.reset();
  run_guard_process(spec, signals, std::move(theirs));
}

Guard::~Guard() {
  socket_.reset();
  waitpid(pid_, nullptr, 0);
}

std::optional<GuardMessage> Guard::receive() {
  Received received = receive_message(socket_.get());
  died_ = died_ || received.closed;
  return std::move(received.message);
}

void Guard::start(const std::vector<std::string> &environment, int64_t remaining_ms) {
  GuardMessage order{GuardSays::kStart, remaining_ms};
  for (const std::string &entry : environment) order.text.append(entry.c_str(), entry.size() + 1);
  send_message(socket_.get(), order);
  std::optional<GuardMessage> reply;
  while (!reply && !died_) {
    pollfd polled = {socket_.get(), POLLIN, 0};
    poll(&polled, 1, -1);
    reply = receive();
  }
  if (!reply) {
    end_unguarded();
    throw Failure(kExitInternal, "the guard process was killed");
  }
  if (reply->kind == GuardSays::kFailed) {
    throw Failure(static_cast<int>(reply->value), reply->text);
  }
  command_ = reply->pid;
  if (!spec_.kill_tree) prctl(PR_SET_CHILD_SUBREAPER, 0);
}

void Guard::forward(const signalfd_siginfo &info) {
  GuardMessage order{GuardSays::kForward};
  order.value = info.ssi_signo;
  order.pid = static_cast<pid_t>(info.ssi_pid);
  order.code = info.ssi_code;
  order.payload = info.ssi_ptr;
  send_message(socket_.get(), order);
}

void Guard::lease_lasts(int64_t remaining_ms) {
  send_message(socket_.get(), {GuardSays::kLease, remaining_ms});
}

void Guard::end_command() { send_message(socket_.get(), {GuardSays::kEnd}); }

std::optional<int> Guard::ended() {
  const std::optional<GuardMessage> message = receive();
  if (!message || message->kind != GuardSays::kEnded) return std::nullopt;
  return static_cast<int>(message->value);
}

void Guard::end_unguarded() const {
  const bool all = spec_.kill_tree || command_ < 0;
  const auto signal_all = [&](int signal) {
    if (all) return signal_descendants(signal);
    kill(command_, signal);
  };
  const auto runs = [&] {
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return all ? has_children() : kill(command_, 0) == 0;
  };
  waitpid(pid_, nullptr, 0);  // the kernel's SIGTERM comes before it is over, but after its socket
  const auto kill_at = Clock::now() + std::chrono::milliseconds(spec_.kill_after_ms);
  if (spec_.kill_tree) signal_all(SIGTERM);
  signal_all(SIGCONT);
  while (runs()) {
    if (Clock::now() >= kill_at) signal_all(SIGKILL);
    poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace cli
