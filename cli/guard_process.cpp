#include "guard_process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "command.hpp"
#include "forwarding.hpp"
#include "process.hpp"
#include "process_tree.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kNever = Clock::time_point::max();
// A process that was started while its tree was killed is found by the next round.
constexpr std::chrono::milliseconds kRound{50};

class GuardProcess {
 public:
  GuardProcess(const GuardSpec &spec, Signals &signals, Fd socket)
      : spec_(spec), signals_(signals), socket_(std::move(socket)), holder_(getppid()) {}

  // Returns when there is nothing left to guard. Blocks.
  void run() {
    while (!finished()) {
      pollfd polled[] = {{signals_.fd(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
      poll(polled, 2, pause());
      // Before the orders: what came here has reached the command too.
      while (const auto info = signals_.next()) note(*info);
      obey();
      const auto now = Clock::now();
      while (const auto signal = forwarding_.next(now)) forward(*signal);
      if (now >= lease_end_) look_at_holder();
      if (now >= kill_at_) kill_all(now);
    }
    send_message(socket_.get(), {GuardSays::kEnded, status_});
  }

 private:
  bool finished() const {
    if (child_ < 0) return holder_gone_;
    return ended_ && (!spec_.kill_tree || !has_children());
  }

  int pause() const {
    const auto next = std::min({forwarding_.due(), lease_end_, kill_at_});
    if (next == kNever) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1000000));
  }

  void note(const signalfd_siginfo &info) {
    if (info.ssi_signo == SIGCHLD && info.ssi_code > 0) return reap();
    forwarding_.seen(static_cast<int>(info.ssi_signo), Clock::now());
  }

  void reap() {
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != child_) continue;
      ended_ = true;
      status_ = status;
    }
    if (ended_ && spec_.kill_tree && has_children()) end();
  }

  void obey() {
    while (socket_.get() >= 0) {
      const Received received = receive_message(socket_.get());
      if (received.closed) return lose_holder();
      if (!received.message) return;
      switch (received.message->kind) {
        case GuardSays::kStart:
          start(received.message->text);
          hold_for(received.message->value);
          break;
        case GuardSays::kForward:
          consider(*received.message);
          break;
        case GuardSays::kLease:
          hold_for(received.message->value);
          break;
        default:
          end();
      }
    }
  }

  void hold_for(int64_t ms) {
    if (!ending_) lease_end_ = Clock::now() + std::chrono::milliseconds(ms);
  }

  void lose_holder() {
    socket_.reset();
    holder_gone_ = true;
    end();
  }

  void start(const std::string &environment) {
    ProcessSpec spec;
    spec.argv = spec_.argv;
    for (size_t at = 0; at < environment.size(); at = environment.find('\0', at) + 1)
      spec.environment.emplace_back(environment.c_str() + at);
    spec.death_signal = SIGTERM;
    try {
      child_ = start_process(spec, signals_);
      send_message(socket_.get(), {GuardSays::kStarted, 0, child_});
    } catch (const Failure &failure) {
      send_message(socket_.get(), {GuardSays::kFailed, failure.code(), 0, 0, 0, failure.what()});
    }
  }

  // A command that has left the process group is not reached by what the group gets; and what it
  // sends to `run` itself does not come back to it.
  void consider(const GuardMessage &message) {
    if (message.code <= 0 && message.pid == child_) return;
    if (getpgid(child_) == getpgrp()) return forwarding_.came(message, Clock::now());
    forward(message);
  }

  void forward(const GuardMessage &message) {
    const int number = static_cast<int>(message.value);
    if (number == SIGTERM && spec_.kill_tree) {
      asked_ = true;
      return signal_descendants(number);
    }
    if (child_ < 0 || ended_) return;
    sigval value = {};
    const auto payload = static_cast<uintptr_t>(message.payload);
    value.sival_ptr = reinterpret_cast<void *>(payload);  // NOLINT(performance-no-int-to-ptr)
    if (message.code == SI_QUEUE)
      sigqueue(child_, number, value);
    else
      kill(child_, number);
  }

  // A holder that was stopped does not end its command; a later SIGCONT comes too late.
  void look_at_holder() {
    const char state = process_state(holder_);
    if (state == 'T' || state == 't') end();
    lease_end_ = ending_ ? kNever : Clock::now() + std::chrono::seconds(1);
  }

  void end() {
    if (ending_ || child_ < 0) return;
    ending_ = true;
    lease_end_ = kNever;
    kill_at_ = Clock::now() + std::chrono::milliseconds(spec_.kill_after_ms);
    if (!asked_) signal_all(SIGTERM);
    // A stopped command would not see the signal.
    signal_all(SIGCONT);
  }

  void kill_all(Clock::time_point now) {
    signal_all(SIGKILL);
    kill_at_ = spec_.kill_tree ? now + kRound : kNever;
  }

  void signal_all(int signal) {
    if (spec_.kill_tree) return signal_descendants(signal);
    if (!ended_) kill(child_, signal);
  }

  const GuardSpec &spec_;
  Signals &signals_;
  Fd socket_;
  const pid_t holder_;
  Forwarding forwarding_;
  pid_t child_ = -1;
  Clock::time_point lease_end_ = kNever;
  Clock::time_point kill_at_ = kNever;
  bool holder_gone_ = false;
  bool asked_ = false;  // the whole tree was sent SIGTERM
  bool ending_ = false;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace

void run_guard_process(const GuardSpec &spec, Signals &signals, Fd socket) {
  // killall(1) by the command's name is not for the guard.
  prctl(PR_SET_NAME, "redilock-guard");
  if (spec.kill_tree) prctl(PR_SET_CHILD_SUBREAPER, 1);
  try {
    GuardProcess(spec, signals, std::move(socket)).run();
  } catch (const std::exception &) {
    _exit(kExitInternal);  // the kernel ends the command
  }
  _exit(kExitOk);
}

}  // namespace cli
