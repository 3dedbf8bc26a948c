// The redilock command: finds the command by its name in one table, runs it, and turns what it
// throws into a message and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <new>

#include "commands.hpp"
#include "hide.hpp"
#include "redilock/redilock.h"
#include "text.hpp"

namespace cli {
namespace {

const Command *const kCommands[] = {
    &kRunCommand,  &kAcquireCommand, &kReleaseCommand, &kExtendCommand, &kShowCommand,
    &kListCommand, &kBreakCommand,   &kCheckCommand,   &kDemoCommand,   &kBenchCommand};

const Command *find_command(const std::string &name) {
  for (const Command *command : kCommands) {
    if (name == command->name) return command;
  }
  return nullptr;
}

std::string overview() {
  std::string out =
      "Usage: redilock COMMAND [OPTION...] [OPERAND...]\n\n"
      "A distributed lock kept in Redis.\n\nCommands:\n";
  for (const Command *command : kCommands) {
    std::string line = std::string("  ") + command->name;
    line.resize(12, ' ');
    out += line + command->summary + "\n";
  }
  return out +
         "\n`redilock COMMAND --help` shows more; `redilock help options` lists what --option "
         "takes.\n"
         "`redilock --version` shows the version. Exit codes are in redilock(1).\n";
}

std::string options_text() {
  std::vector<std::vector<std::string>> rows = {{"OPTION", "TYPE", "DEFAULT", "MEANING"}};
  for (size_t i = 0; i < redilock_option_count(); ++i) {
    if (std::string(redilock_option_scope(i)) == "operation") continue;
    const std::string otherwise = redilock_option_default(i);
    rows.push_back({redilock_option_name(i), redilock_option_type(i),
                    otherwise.empty() ? "-" : otherwise, redilock_option_doc(i)});
  }
  return aligned(rows);
}

int help(const std::string &topic) {
  if (topic == "options") {
    print(options_text());
    return kExitOk;
  }
  const Command *command = find_command(topic);
  if (command == nullptr) throw UsageError("no command \"" + printable(topic) + "\"");
  print(help_text(*command));
  return kExitOk;
}

int run_command(const Command &command, Args &args, const std::vector<std::string> &words,
                size_t from) {
  try {
    args.parse(words, from, &command);
    if (args.has("--help")) return help(command.name);
    return command.run(args);
  } catch (const UsageError &error) {
    complain(std::string(command.name) + ": " + error.what());
    complain(std::string("try `redilock ") + command.name + " --help`");
    return kExitUsage;
  }
}

int dispatch(const std::vector<std::string> &words) {
  if (words.size() == 1 && (words[0] == "--version" || words[0] == "-V" || words[0] == "version")) {
    print(std::string("redilock ") + redilock_version() + "\n");
    return kExitOk;
  }
  Args args;
  const size_t at = args.parse(words, 0, nullptr);
  if (args.has("--help") || (words.size() == 1 && words[0] == "help")) {
    print(overview());
    return kExitOk;
  }
  if (at == words.size()) throw UsageError("missing COMMAND");
  if (words[at] == "help" && at + 1 < words.size()) return help(words[at + 1]);
  const Command *command = find_command(words[at]);
  if (command == nullptr) throw UsageError("no command \"" + printable(words[at]) + "\"");
  return run_command(*command, args, words, at + 1);
}

int guarded_main(const std::vector<std::string> &words) {
  try {
    return dispatch(words);
  } catch (const UsageError &error) {
    complain(error.what());
    complain("try `redilock --help`");
    return kExitUsage;
  } catch (const Failure &failure) {
    complain(failure.what());
    return failure.code();
  } catch (const std::bad_alloc &) {
    complain("out of memory");
  } catch (const std::exception &error) {
    complain(error.what());
  }
  return kExitInternal;
}

// Sockets must not land on 0, 1 or 2, where they would be taken for the streams.
void open_missing_streams() {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

}  // namespace
}  // namespace cli

int main(int argc, char **argv) {
  cli::open_missing_streams();
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  cli::hide_secrets(argv);
  return cli::guarded_main(words);
}
