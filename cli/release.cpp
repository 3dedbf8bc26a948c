// `redilock release`: ends a lock by its token, from any process on any host.
#include "commands.hpp"
#include "session.hpp"

namespace cli {
namespace {

int release(const Args &args) {
  args.expect_at_most(2);
  const std::string &name = args.operand(0, "NAME");
  const std::string token = token_by_args(args, 1);
  const Client client = make_client(args);
  const Op op = make_op(client, name);
  set_bytes(op, "token", token);
  check(op, redilock_op_release(op.get(), nullptr));
  return kExitOk;
}

}  // namespace

const Command kReleaseCommand = {
    "release",
    "NAME [TOKEN]",
    "Release a lock by its token",
    "TOKEN is what `redilock acquire` printed; - reads it from standard input. Without TOKEN and\n"
    "--token-file it is taken from REDILOCK_TOKEN, which keeps it out of the list of processes.\n",
    {{"--token-file", "FILE", "read the token from the first line of FILE"}},
    release,
};

}  // namespace cli
