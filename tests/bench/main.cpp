// ./dev bench: the figures that redilock is held to, each against a rival in the same run.
// --quick takes some ten seconds and tells less exactly; --only PART runs one of the parts; --json
// prints one object.
#include <cstdio>
#include <cstring>
#include <string>

#include "../../cli/command.hpp"
#include "bench/parts.hpp"

namespace {

constexpr bench::Times kFull{9000, 12000, 6000, 5000};
constexpr bench::Times kQuick{1200, 2000, 1200, 1000};

struct Part {
  const char *name;
  void (*run)(const bench::Times &times, bench::Figures &figures);
};

constexpr Part kParts[] = {{"pair", bench::measure_pairs},
                           {"hand_over", bench::measure_hand_over},
                           {"latency", bench::measure_latency},
                           {"waiting", bench::measure_waiting},
                           {"async", bench::measure_async}};

int usage() {
  std::fputs("usage: bench [--quick] [--json] [--only pair|hand_over|latency|waiting|async]\n",
             stderr);
  return cli::kExitUsage;
}

}  // namespace

int main(int argc, char **argv) {
  bool quick = false, json = false;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--only" && i + 1 < argc)
      only = argv[++i];
    else if (word == "--quick")
      quick = true;
    else if (word == "--json")
      json = true;
    else
      return usage();
  }
  bench::Figures figures;
  try {
    for (const Part &part : kParts)
      if (only.empty() || only == part.name) part.run(quick ? kQuick : kFull, figures);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
  if (figures.empty()) return usage();
  const std::string text = json ? cli::figures_json(figures) : cli::figures_text(figures);
  std::fputs(text.c_str(), stdout);
  return 0;
}
