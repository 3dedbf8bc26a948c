// `redilock run`: holds a lock for as long as another program runs.
//
// Three processes stay in one process group, so that all belong to the terminal's foreground: this
// one, which holds the lock; the guard (guard.hpp), its child; and the command, the guard's child.
#include <cstdlib>

#include "commands.hpp"
#include "guard.hpp"
#include "holding.hpp"
#include "session.hpp"
#include "text.hpp"
#include "waiting.hpp"

namespace cli {
namespace {

// As flock(1) does, -c gives the command to the user's shell.
std::vector<std::string> command_of(const Args &args) {
  if (args.has("--command")) {
    args.expect_at_most(1);
    const char *shell = std::getenv("SHELL");
    return {shell != nullptr && *shell != '\0' ? shell : "/bin/sh", "-c", args.value("--command")};
  }
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
    complain(reason(op, status) + ", before the command ended");
    return kExitLost;
  }
  complain("the command ended, its lock will run out by itself: " + reason(op, status));
  return code;
}

std::vector<std::string> environment_of(const std::string &name, const Lock &lock) {
  const std::string token = token_of(lock);
  const char *held = std::getenv(kHeldTokens);
  const std::string others = held == nullptr || *held == '\0' ? "" : std::string("\n") + held;
  return {"REDILOCK_FENCE=" + std::to_string(redilock_lock_fence(lock.get())),
          "REDILOCK_TOKEN=" + token, "REDILOCK_NAME=" + name,
          std::string(kHeldTokens) + "=" + token + others};
}

int run_held(const Args &args, const Op &op, const Lock &lock, Guard &guard, Signals &signals) {
  try {
    guard.start(environment_of(args.operand(0, "NAME"), lock),
                redilock_lock_remaining_ms(lock.get()));
  } catch (const Failure &) {
    redilock_op_release(op.get(), lock.get());
    throw;
  }
  Holding holding(guard, lock, signals, server_address(args));
  holding.hold();
  return holding.lost() ? kExitLost : release_after(op, lock, holding.exit_code());
}

GuardSpec guard_spec(const Args &args) {
  return {command_of(args), duration_ms("--kill-after", args.value("--kill-after", "5s")),
          args.has("--kill-tree")};
}

int run(const Args &args) {
  const GuardSpec spec = guard_spec(args);
  conflict_code(args, kExitHeld);
  Signals signals;
  Guard guard(spec, signals);
  const std::string &name = args.operand(0, "NAME");
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  set(op, "renew", "true");
  set_by_flag(op, "max_hold", args, "--max-hold");
  const Wait wait = make_wait(args, client, op, name);
  refuse_nested(wait);
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
  return run_held(args, op, waited.lock, guard, signals);
}

}  // namespace

const Command kRunCommand = {
    "run",
    "NAME -- COMMAND [ARGUMENT...]",
    "Hold a lock while a command runs",
    "The lease is renewed for as long as COMMAND runs, and the lock released when it ended.\n"
    "COMMAND finds REDILOCK_NAME, REDILOCK_FENCE and REDILOCK_TOKEN in its environment. The\n"
    "exit code is that of COMMAND, 128 + n if signal n ended it. If the lock is lost, COMMAND\n"
    "gets SIGTERM, then SIGKILL, and the exit code is 75. Each signal reaches COMMAND once.\n"
    "A lock is not reentrant: COMMAND cannot acquire NAME again, which exits with 79.\n",
    {
        {"--ttl", "DURATION", "the lease, such as 30s: how long a dead holder blocks the rest"},
        {"--wait", "DURATION", "how long to wait; 0 tries once (default: forever)", 'w'},
        {"--nonblock", nullptr, "as --wait 0", 'n'},
        {"--max-hold", "DURATION", "stop renewing after this long (default: 1d)"},
        {"--kill-after", "DURATION", "SIGKILL this long after a lost lock's SIGTERM (default: 5s)"},
        {"--kill-tree", nullptr, "the descendants of COMMAND end with it, before the lock is free"},
        {"--label", "TEXT", "who holds it, for people (default: host/pid)"},
        {"--command", "TEXT", "run TEXT by $SHELL or /bin/sh, instead of -- COMMAND", 'c'},
        {"--conflict-exit-code", "N", "exit code instead of 73 (held) and 74 (timed out)", 'E'},
        {"--quiet", nullptr, "nothing about the wait, and no message if others have the lock", 'q'},
        {"--verbose", nullptr, "say how long the wait took, also if the lock was free", 'v'},
    },
    run,
};

}  // namespace cli
