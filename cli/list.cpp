// `redilock list`: the locks in use on a server. Names are gathered by SCAN and then looked up one
// by one, so a lock may change in between.
#include <algorithm>
#include <map>
#include <optional>

#include "commands.hpp"
#include "report.hpp"
#include "session.hpp"
#include "text.hpp"

namespace cli {
namespace {

List make_list(const Client &client, const Args &args) {
  const std::string pattern = args.operands().empty() ? "*" : args.operands()[0];
  redilock_list_t *raw = nullptr;
  const int32_t status = redilock_list_new(client.get(), pattern.data(), pattern.size(), &raw);
  List list(raw);
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), redilock_strerror(status));
  return list;
}

// Nothing after the last name.
std::optional<std::string> next_name(const List &list) {
  const char *name = nullptr;
  size_t len = 0;
  const int32_t status = redilock_list_next(list.get(), &name, &len);
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), reason(list, status));
  return name == nullptr ? std::nullopt : std::optional<std::string>({name, len});
}

std::vector<std::string> all_names(const Client &client, const Args &args) {
  const List list = make_list(client, args);
  std::vector<std::string> names;
  while (auto name = next_name(list)) names.push_back(std::move(*name));
  std::sort(names.begin(), names.end());
  return names;
}

using Found = std::map<std::string, Info>;

// Without those that became free in between.
Found look_all_up(const Client &client, const std::vector<std::string> &names) {
  const Op op = make_op(client);
  Found found;
  for (const std::string &name : names) {
    set_bytes(op, "name", name);
    Info info = look_up(op);
    const bool used = redilock_info_state(info.get()) != REDILOCK_STATE_FREE ||
                      redilock_info_waiters(info.get()) > 0;
    if (used) found.emplace(name, std::move(info));
  }
  return found;
}

std::string table(const Found &found) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "REMAINING", "WAITERS", "HOLDER"}};
  for (const auto &[name, info] : found) {
    rows.push_back({printable(name), remaining_text(info),
                    std::to_string(redilock_info_waiters(info.get())), holder_text(info)});
  }
  return aligned(rows);
}

std::string json(const Found &found) {
  std::string out = "[";
  for (const auto &[name, info] : found) {
    out += (out.size() == 1 ? "\n  " : ",\n  ") + info_json(name, info);
  }
  return out + (found.empty() ? "]\n" : "\n]\n");
}

std::string lines(const std::vector<std::string> &names) {
  std::string out;
  for (const std::string &name : names) out += printable(name) + "\n";
  return out;
}

int list(const Args &args) {
  args.expect_at_most(1);
  const Client client = make_client(args);
  const std::vector<std::string> names = all_names(client, args);
  if (args.has("--names")) {
    print(lines(names));
  } else if (args.has("--json")) {
    print(json(look_all_up(client, names)));
  } else if (!names.empty()) {
    print(table(look_all_up(client, names)));
  }
  return kExitOk;
}

}  // namespace

const Command kListCommand = {
    "list",
    "[PATTERN]",
    "List the locks that are held or waited for",
    "PATTERN is a glob such as 'job:*'. Locks of other programs look like any other key and are\n"
    "listed only if somebody waits for them.\n",
    {
        {"--names", nullptr, "print the names only, one a line"},
        {"--json", nullptr, "print JSON"},
    },
    list,
};

}  // namespace cli
