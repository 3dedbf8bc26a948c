// redilock_fault: fights over locks while things break, and judges what came of it. Its options,
// and which part of it a process plays.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "fault/run.hpp"
#include "fault/worker.hpp"

namespace fault {

namespace {

volatile std::sig_atomic_t told_to_end = 0;

[[noreturn]] void usage() {
  std::fprintf(
      stderr,
      "usage: redilock_fault [--seconds N | --minutes N] [--seed S] [--only KIND,KIND...]\n"
      "                      [--every-kind] [--stop-at-first] [--keep FILE]\nkinds:");
  for (const std::string &kind : nemesis_kinds()) std::fprintf(stderr, " %s", kind.c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

std::vector<std::string> split(const std::string &text) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    words.push_back(text.substr(at, comma - at));
    const auto &kinds = nemesis_kinds();
    if (std::find(kinds.begin(), kinds.end(), words.back()) == kinds.end()) usage();
    at = comma + 1;
  }
  return words;
}

Settings parse(int argc, char **argv) {
  Settings settings;
  settings.kinds = nemesis_kinds();
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--stop-at-first" || option == "--every-kind") {
      (option == "--every-kind" ? settings.every_kind : settings.stop_at_first) = true;
      continue;
    }
    if (i + 1 == argc) usage();
    const char *value = argv[++i];
    if (option == "--seconds")
      settings.seconds = std::atoll(value);
    else if (option == "--minutes")
      settings.seconds = std::atoll(value) * 60;
    else if (option == "--seed")
      settings.seed = std::strtoull(value, nullptr, 10);
    else if (option == "--only")
      settings.kinds = split(value);
    else if (option == "--keep")
      settings.keep = value;
    else
      usage();
  }
  if (settings.seconds <= 0) usage();
  return settings;
}

// In a worker: ends with its driver, whatever becomes of that.
WorkerSettings enlist(char **argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGINT, SIG_IGN);  // a terminal sends it to all, but it is the driver's
  // The library must not need it; hiredis, which the foreign client uses, does.
  ::signal(SIGPIPE, std::strcmp(argv[1], "worker") == 0 ? SIG_DFL : SIG_IGN);
  if (::getppid() != std::atoi(argv[6])) std::_Exit(1);
  return {argv[2], argv[3], argv[4], std::strtoull(argv[5], nullptr, 10)};
}

int drive(const Settings &settings) {
  ::signal(SIGPIPE, SIG_IGN);
  for (int signal : {SIGTERM, SIGINT}) ::signal(signal, [](int) { told_to_end = 1; });
  char folder[] = "/tmp/redilock-fault-XXXXXX";
  if (::mkdtemp(folder) == nullptr) {
    std::perror("mkdtemp");
    return 2;
  }
  const bool good = Run(settings, folder, told_to_end).go();
  const std::string history = std::string(folder) + "/history.jsonl";
  std::error_code ignored;
  if (!settings.keep.empty())
    std::filesystem::copy_file(history, settings.keep,
                               std::filesystem::copy_options::overwrite_existing, ignored);
  std::filesystem::remove_all(folder, ignored);
  return good ? 0 : 1;
}

}  // namespace

}  // namespace fault

int main(int argc, char **argv) {
  if (argc == 7 && std::strcmp(argv[1], "worker") == 0)
    return fault::run_worker(fault::enlist(argv));
  if (argc == 7 && std::strcmp(argv[1], "foreign") == 0)
    return fault::run_foreign(fault::enlist(argv));
  return fault::drive(fault::parse(argc, argv));
}
