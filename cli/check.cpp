// `redilock check`: whether the server can be used, for start-up scripts and health probes.
#include "commands.hpp"
#include "session.hpp"
#include "text.hpp"

namespace cli {
namespace {

int check_server(const Args &args) {
  args.expect_at_most(1);
  const Client client = make_client(args);
  const Op op = args.operands().empty() ? make_op(client) : make_op(client, args.operands()[0]);
  check(op, redilock_op_check(op.get()));
  print(reason(op, REDILOCK_OK) + "\n");
  return kExitOk;
}

}  // namespace

const Command kCheckCommand = {
    "check",
    "[NAME]",
    "Check that the server can be used",
    "Connects, authenticates, and checks the version of the server and each permission that "
    "redilock\n"
    "needs for the lock NAME (default redilock-check). It changes nothing and names the first\n"
    "permission that is missing.\n",
    {},
    check_server,
};

}  // namespace cli
