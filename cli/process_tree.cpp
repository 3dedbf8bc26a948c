// Reads /proc: the kernel has no call that signals a subtree.
#include "process_tree.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cli {
namespace {

struct Stat {
  char state = 0;
  pid_t parent = 0;
};

// The name of the program stands in parentheses and may hold any byte.
Stat stat_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line, '\0');
  const size_t end = line.rfind(") ");
  if (end == std::string::npos || end + 4 > line.size()) return {};
  return {line[end + 2], static_cast<pid_t>(std::strtol(line.c_str() + end + 4, nullptr, 10))};
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  const std::unique_ptr<DIR, int (*)(DIR *)> folder(opendir("/proc"), closedir);
  if (!folder) return children;
  while (const dirent *entry = readdir(folder.get())) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid > 0) children.emplace(stat_of(pid).parent, pid);
  }
  return children;
}

}  // namespace

void signal_descendants(int signal) {
  const std::multimap<pid_t, pid_t> children = children_by_parent();
  std::vector<pid_t> parents = {getpid()};
  for (size_t at = 0; at < parents.size(); ++at) {
    const auto [from, to] = children.equal_range(parents[at]);
    for (auto it = from; it != to; ++it) {
      kill(it->second, signal);
      parents.push_back(it->second);
    }
  }
}

bool has_children() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

char process_state(pid_t pid) { return stat_of(pid).state; }

}  // namespace cli
