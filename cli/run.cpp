// `redilock run`: holds a lock for as long as another program runs.
//
// The child stays in this process' group, so that both belong to the terminal's foreground. A
// signal from the terminal (SI_KERNEL) has then reached the child already; one sent by a process
// reached only us and is passed on.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "commands.hpp"
#include "process.hpp"
#include "session.hpp"
#include "text.hpp"
#include "waiting.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t kLookMs = 1000;  // the lease is looked at this often at least

// A running command and what became of it.
class Guarded {
 public:
  Guarded(pid_t child, const Lock &lock, Signals &signals, int64_t kill_after_ms)
      : child_(child), lock_(lock), signals_(signals), kill_after_(kill_after_ms) {}

  // Returns when the child is gone. Blocks.
  void guard() {
    while (!gone_) {
      pollfd polled = {signals_.fd(), POLLIN, 0};
      poll(&polled, 1, lost_ ? pause_before_kill() : pause_before_look());
      while (const auto info = signals_.next()) handle(*info);
      if (gone_) return;
      if (!lost_ && redilock_lock_remaining_ms(lock_.get()) == 0) end_child();
      if (lost_ && !killed_ && Clock::now() >= kill_at_) kill_child();
    }
  }

  bool lost() const { return lost_; }
  int exit_code() const { return exit_code_; }

 private:
  int pause_before_look() const {
    return static_cast<int>(std::min(redilock_lock_remaining_ms(lock_.get()), kLookMs));
  }

  int pause_before_kill() const {
    if (killed_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kLookMs));
  }

  void handle(const signalfd_siginfo &info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCHLD) return reap();
    const bool from_process = info.ssi_code <= 0;
    const bool from_child = static_cast<pid_t>(info.ssi_pid) == child_;
    if (!gone_ && from_process && !from_child) kill(child_, number);
    if (number == SIGTSTP) signals_.stop_self();
  }

  // Reaps everything: as PID 1 of a container we also get the orphans.
  void reap() {
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != child_) continue;
      gone_ = true;
      exit_code_ = exit_code_of_wait(status);
    }
  }

  void end_child() {
    lost_ = true;
    kill_at_ = Clock::now() + std::chrono::milliseconds(kill_after_);
    complain("the lock was lost, ending the command");
    kill(child_, SIGTERM);
    // A stopped command would not see the signal.
    kill(child_, SIGCONT);
  }

  void kill_child() {
    killed_ = true;
    kill(child_, SIGKILL);
  }

  const pid_t child_;
  const Lock &lock_;
  Signals &signals_;
  const int64_t kill_after_;
  Clock::time_point kill_at_;
  bool lost_ = false;
  bool killed_ = false;
  bool gone_ = false;
  int exit_code_ = 0;
};

std::vector<std::string> command_of(const Args &args) {
  if (!args.dashes() || args.before_dashes() > 1) throw UsageError("put -- before the command");
  args.operand(0, "NAME");
  args.operand(1, "COMMAND");
  return {args.operands().begin() + 1, args.operands().end()};
}

int conflict_code(const Args &args, int code) {
  if (!args.has("--conflict-exit-code") || (code != kExitHeld && code != kExitTimedOut))
    return code;
  const std::string text = args.value("--conflict-exit-code");
  const bool number = !text.empty() && text.size() <= 3 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(text) > 255) {
    throw UsageError("--conflict-exit-code needs a number from 0 to 255");
  }
  return std::stoi(text);
}

// Releases after the command ended, and gives the exit code: a lock that was gone before its
// command was is an error whatever the command says.
int release_after(const Op &op, const Lock &lock, int code) {
  const int32_t status = redilock_op_release(op.get(), lock.get());
  if (status == REDILOCK_OK) return code;
  if (status == REDILOCK_E_LOST) {
    complain("the lock was lost before the command ended");
    return kExitLost;
  }
  complain("the command ended, its lock will run out by itself: " + reason(op, status));
  return code;
}

ProcessSpec spec_of(const Args &args, const Lock &lock) {
  ProcessSpec spec;
  spec.argv = command_of(args);
  spec.environment = {"REDILOCK_FENCE=" + std::to_string(redilock_lock_fence(lock.get())),
                      "REDILOCK_TOKEN=" + token_of(lock),
                      "REDILOCK_NAME=" + args.operand(0, "NAME")};
  spec.death_signal = SIGTERM;
  return spec;
}

int run_held(const Args &args, const Op &op, const Lock &lock, Signals &signals) {
  const int64_t kill_after = duration_ms("--kill-after", args.value("--kill-after", "5s"));
  pid_t child;
  try {
    child = start_process(spec_of(args, lock), signals);
  } catch (const Failure &) {
    redilock_op_release(op.get(), lock.get());
    throw;
  }
  Guarded guarded(child, lock, signals, kill_after);
  guarded.guard();
  return guarded.lost() ? kExitLost : release_after(op, lock, guarded.exit_code());
}

int run(const Args &args) {
  command_of(args);
  duration_ms("--kill-after", args.value("--kill-after", "5s"));
  conflict_code(args, kExitHeld);
  Signals signals;
  const std::string &name = args.operand(0, "NAME");
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  set(op, "renew", "true");
  set_by_flag(op, "ttl", args, "--ttl");
  set_by_flag(op, "wait", args, "--wait");
  set_by_flag(op, "max_hold", args, "--max-hold");
  set_by_flag(op, "label", args, "--label");
  const Wait wait{client, op, name, args.has("--quiet")};
  const Waited waited = wait_for_lock(wait, signals);
  if (waited.signal != 0) {
    // Not by the operation: the cancel that came after its grant would be for the release.
    if (waited.lock) redilock_release(waited.lock.get());
    return kExitSignal + waited.signal;
  }
  if (waited.status != REDILOCK_OK) {
    complain_of(wait, waited.status);
    return conflict_code(args, exit_code_of(waited.status));
  }
  return run_held(args, op, waited.lock, signals);
}

}  // namespace

const Command kRunCommand = {
    "run",
    "NAME -- COMMAND [ARGUMENT...]",
    "Hold a lock while a command runs",
    "The lease is renewed for as long as COMMAND runs, and the lock released when it ended.\n"
    "COMMAND finds REDILOCK_NAME, REDILOCK_FENCE and REDILOCK_TOKEN in its environment. The\n"
    "exit code is that of COMMAND, 128 + n if signal n ended it. If the lock is lost, COMMAND\n"
    "gets SIGTERM, then SIGKILL, and the exit code is 75.\n",
    {
        {"--ttl", "DURATION", "the lease, such as 30s: how long a dead holder blocks the rest"},
        {"--wait", "DURATION", "how long to wait; 0 tries once (default: forever)"},
        {"--max-hold", "DURATION", "stop renewing after this long (default: 1d)"},
        {"--kill-after", "DURATION", "SIGKILL this long after a lost lock's SIGTERM (default: 5s)"},
        {"--label", "TEXT", "who holds it, for people (default: host/pid)"},
        {"--conflict-exit-code", "N", "exit code instead of 73 (held) and 74 (timed out)"},
        {"--quiet", nullptr, "no progress line, and no message if others have the lock"},
    },
    run,
};

}  // namespace cli
