// Each round starts with another contender: none is always the one that follows a slow one.
#include "bench_pair.hpp"

#include <time.h>

namespace cli {
namespace {

constexpr int kLeastRounds = 3;
constexpr int kMostRounds = 100000;

double slice_us(const Contender &contender, int slice) {
  std::vector<double> spans;
  spans.reserve(static_cast<size_t>(slice));
  int64_t before = monotonic_ns();
  for (int i = 0; i < slice; ++i) {
    contender.once();
    const int64_t now = monotonic_ns();
    spans.push_back(static_cast<double>(now - before) / 1000);
    before = now;
  }
  return Sorted(std::move(spans)).median();
}

}  // namespace

int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

std::vector<FigureRow> by_turns(const std::vector<Contender> &contenders, const Turns &turns) {
  const size_t count = contenders.size();
  std::vector<std::vector<double>> spans(count), ratios(count);
  for (const Contender &contender : contenders) slice_us(contender, turns.slice);  // to warm up
  const int64_t end = monotonic_ns() + turns.run_ms * 1000000;
  std::vector<double> round(count);
  for (int done = 0; done < kMostRounds && (done < kLeastRounds || monotonic_ns() < end); ++done) {
    for (size_t i = 0; i < count; ++i) {
      const size_t turn = (i + static_cast<size_t>(done)) % count;
      round[turn] = slice_us(contenders[turn], turns.slice);
    }
    for (size_t i = 0; i < count; ++i) {
      spans[i].push_back(round[i]);
      ratios[i].push_back(round[i] / round[0]);
    }
  }
  std::vector<FigureRow> rows;
  for (size_t i = 0; i < count; ++i) {
    const Sorted span(std::move(spans[i])), ratio(std::move(ratios[i]));
    rows.push_back({contenders[i].name,
                    {{"us", span.median()},
                     {"ratio", ratio.median()},
                     {"ratio_q1", ratio.at(0.25)},
                     {"ratio_q3", ratio.at(0.75)}}});
  }
  return rows;
}

}  // namespace cli
