// `redilock extend`: prolongs a lock by its token, from any process on any host.
#include "commands.hpp"
#include "session.hpp"

namespace cli {
namespace {

int extend(const Args &args) {
  args.expect_at_most(2);
  const std::string &name = args.operand(0, "NAME");
  const std::string token = token_by_args(args, 1);
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  set_bytes(op, "token", token);
  set_by_flag(op, "ttl", args, "--ttl");
  check(op, redilock_op_extend(op.get(), nullptr));
  return kExitOk;
}

}  // namespace

const Command kExtendCommand = {
    "extend",
    "NAME [TOKEN]",
    "Extend a lock by its token",
    "The lock lasts at least one ttl from now; it is never shortened. TOKEN is what `redilock\n"
    "acquire` printed; - reads it from standard input. Without TOKEN and --token-file it is taken\n"
    "from REDILOCK_TOKEN, which keeps it out of the list of processes.\n",
    {
        {"--ttl", "DURATION", "the new lease (default: 30s)"},
        {"--token-file", "FILE", "read the token from the first line of FILE"},
    },
    extend,
};

}  // namespace cli
