// `redilock show`: who holds a lock, how long its lease lasts, who waits, and for how long.
#include "commands.hpp"
#include "report.hpp"
#include "session.hpp"
#include "text.hpp"

namespace cli {
namespace {

std::string description(const std::string &name, const Info &info) {
  std::vector<std::vector<std::string>> rows = {{"name:", printable(name)},
                                                {"state:", state_text(info)}};
  if (redilock_info_state(info.get()) != REDILOCK_STATE_FREE) {
    rows.push_back({"holder:", holder_text(info)});
    rows.push_back({"remaining:", remaining_text(info)});
  }
  const int64_t waiters = redilock_info_waiters(info.get());
  rows.push_back({"waiters:", std::to_string(waiters)});
  int64_t shown = 0;
  while (const auto waiter = waiter_text(info, static_cast<size_t>(shown))) {
    rows.push_back({"", *waiter});
    ++shown;
  }
  if (shown < waiters) rows.push_back({"", "and " + std::to_string(waiters - shown) + " more"});
  return aligned(rows);
}

int show(const Args &args) {
  args.expect_at_most(1);
  const std::string &name = args.operand(0, "NAME");
  const Client client = make_client(args);
  const Info info = look_up(make_op(client, name));
  print(args.has("--json") ? info_json(name, info) + "\n" : description(name, info));
  return kExitOk;
}

}  // namespace

const Command kShowCommand = {
    "show",
    "NAME",
    "Tell who holds a lock and who waits for it",
    "Another client's lock (a plain SET NX PX of any program) is called foreign.\n",
    {{"--json", nullptr, "print JSON"}},
    show,
};

}  // namespace cli
