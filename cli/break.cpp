// `redilock break`: takes a lock away from its holder. It asks first, because the holder goes
// on working until it notices.
#include <unistd.h>

#include <iostream>

#include "commands.hpp"
#include "report.hpp"
#include "session.hpp"
#include "text.hpp"

namespace cli {
namespace {

bool confirmed(const std::string &name, const Info &info) {
  const std::string question = "Break " + printable(name) + ", held by " + holder_text(info) +
                               " (remaining: " + remaining_text(info) + ")? [y/N] ";
  std::cerr << question << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int break_lock(const Args &args) {
  args.expect_at_most(1);
  const std::string &name = args.operand(0, "NAME");
  const bool ask = !args.has("--yes");
  if (ask && isatty(STDIN_FILENO) == 0) throw UsageError("--yes is needed where no terminal asks");
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  if (ask) {
    const Info info = look_up(op);
    const bool held = redilock_info_state(info.get()) != REDILOCK_STATE_FREE;
    if (!held)
      throw Failure(kExitNotOwner,
                    "lock \"" + printable(name) + "\": nobody holds it, nothing to break");
    if (!confirmed(name, info)) throw Failure(kExitHeld, "nothing was changed");
  }
  check(op, redilock_op_break(op.get()));
  return kExitOk;
}

}  // namespace

const Command kBreakCommand = {
    "break",
    "NAME",
    "Take a lock away from its holder",
    "The next waiter gets it. The former holder believes to hold the lock until its next renewal:\n"
    "break only locks whose holder is known to be dead, or whose writes are fenced.\n",
    {{"--yes", nullptr, "do not ask"}},
    break_lock,
};

}  // namespace cli
