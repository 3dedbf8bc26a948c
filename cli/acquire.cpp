// `redilock acquire`: takes a lock for a script and prints the token that releases it. Nothing
// renews the lease afterwards but `redilock extend`.
#include "commands.hpp"
#include "session.hpp"
#include "text.hpp"
#include "waiting.hpp"

namespace cli {
namespace {

std::string granted_json(const std::string &name, const Lock &lock) {
  return "{" + json_name(name) + ",\"token\":" + json_string(token_of(lock)) +
         ",\"fence\":" + std::to_string(redilock_lock_fence(lock.get())) +
         ",\"remaining_ms\":" + std::to_string(redilock_lock_remaining_ms(lock.get())) + "}\n";
}

int print_grant(const Args &args, const std::string &name, const Op &op, const Lock &lock) {
  try {
    print(args.has("--json") ? granted_json(name, lock) : token_of(lock) + "\n");
    return kExitOk;
  } catch (const Failure &) {
    // Nobody learnt the token, so nobody could release it.
    redilock_op_release(op.get(), lock.get());
    throw;
  }
}

int acquire(const Args &args) {
  args.expect_at_most(1);
  const std::string &name = args.operand(0, "NAME");
  Signals signals;
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  const Wait wait = make_wait(args, client, op, name);
  refuse_nested(wait);
  const Waited waited = wait_for_lock(wait, signals);
  if (waited.signal != 0) {
    // Not by the operation: the cancel that came after its grant would be for the release.
    if (waited.lock) redilock_release(waited.lock.get());
    return kExitSignal + waited.signal;
  }
  if (waited.status == REDILOCK_OK) return print_grant(args, name, op, waited.lock);
  complain_of(wait, waited.status);
  return exit_code_of(waited.status);
}

}  // namespace

const Command kAcquireCommand = {
    "acquire",
    "NAME",
    "Take a lock and print its token",
    "The lock lasts for one ttl unless `redilock extend` prolongs it; `redilock release` ends it.\n"
    "Where one command does the work, `redilock run` is safer: it renews, and releases at the "
    "end.\n",
    {
        {"--ttl", "DURATION", "the lease (default: 30s)"},
        {"--wait", "DURATION", "how long to wait; 0 tries once (default: forever)", 'w'},
        {"--nonblock", nullptr, "as --wait 0", 'n'},
        {"--label", "TEXT", "who holds it, for people (default: host/pid)"},
        {"--json", nullptr, "print name, token, fence and remaining_ms as JSON"},
        {"--quiet", nullptr, "nothing about the wait, and no message if others have the lock", 'q'},
        {"--verbose", nullptr, "say how long the wait took, also if the lock was free", 'v'},
    },
    acquire,
};

}  // namespace cli
