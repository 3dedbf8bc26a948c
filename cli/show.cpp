// `redilock show`: who holds a lock, how long its lease lasts, who waits, and for how long.
#include <algorithm>
#include <utility>

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

using Found = std::vector<std::pair<std::string, Info>>;

// A server without its --url would be shown as a name, with its password.
void refuse_urls(const std::vector<std::string> &names) {
  for (const char *scheme : {"redis://", "rediss://", "valkey://", "unix://"}) {
    for (size_t i = 1; i < names.size(); ++i)
      if (names[i].rfind(scheme, 0) == 0) throw UsageError("a url needs --url before it");
  }
}

Found look_all_up(const Args &args) {
  args.operand(0, "NAME");
  refuse_urls(args.operands());
  const Client client = make_client(args);
  Found found;
  for (const std::string &name : args.operands())
    found.emplace_back(name, look_up(make_op(client, name)));
  return found;
}

// One object for one name, as it was asked for; an array for several.
std::string json(const Found &found) {
  if (found.size() == 1) return info_json(found[0].first, found[0].second) + "\n";
  std::string out = "[";
  for (const auto &[name, info] : found)
    out += (out.size() == 1 ? "\n  " : ",\n  ") + info_json(name, info);
  return out + "\n]\n";
}

std::string text(const Found &found) {
  std::string out;
  for (const auto &[name, info] : found) out += (out.empty() ? "" : "\n") + description(name, info);
  return out;
}

int show(const Args &args) {
  const Found found = look_all_up(args);
  if (!args.has("--quiet")) {
    print(args.has("--json") ? json(found) : text(found));
    return kExitOk;
  }
  const bool held = std::any_of(found.begin(), found.end(), [](const auto &one) {
    return redilock_info_state(one.second.get()) != REDILOCK_STATE_FREE;
  });
  return held ? kExitOk : kExitFree;
}

}  // namespace

const Command kShowCommand = {
    "show",
    "NAME...",
    "Show who holds a lock and who waits for it",
    "Another client's lock (a plain SET NX PX of any program) is called foreign.\n",
    {{"--json", nullptr, "print JSON: an object, or an array for several names"},
     {"--quiet", nullptr, "print nothing; the exit code is 1 if all of them are free", 'q'}},
    show,
};

}  // namespace cli
