// Sums of the demo. Waits that the killed holder caused are kept apart from the others.
#include "demo_score.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "text.hpp"

namespace cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// A dead holder's lease, and one re-check of a waiter. More says that the machine is busy.
constexpr std::chrono::milliseconds kTakeOverLimit{kDemoTtlMs + 2500};

std::string with_unit(double value, const char *format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string demo_seconds(std::chrono::steady_clock::duration time) {
  return with_unit(duration_cast<microseconds>(time).count() / 1e6, "%.2fs");
}

std::string demo_milliseconds(std::chrono::steady_clock::duration time) {
  return with_unit(duration_cast<microseconds>(time).count() / 1e3, "%.1fms");
}

void DemoScore::grant(int process, Clock::duration waited) {
  const auto now = Clock::now();
  granted_at_ = now;
  ++grants_[static_cast<size_t>(process)];
  if (killed_ && !took_over_) {
    took_over_ = true;
    took_over_at_ = now;
  }
  const bool behind_dead = killed_ && now - waited < took_over_at_;
  auto &longest = behind_dead ? longest_behind_dead_ : longest_;
  longest = std::max(longest, waited);
}

void DemoScore::kill() {
  killed_ = true;
  killed_at_ = Clock::now();
  const auto ends = std::minmax_element(grants_.begin(), grants_.end());
  least_ = *ends.first;
  most_ = *ends.second;
}

int DemoScore::all_grants() const { return std::accumulate(grants_.begin(), grants_.end(), 0); }

void DemoScore::fail(const std::string &reason) {
  if (failure_.empty()) failure_ = reason;
}

bool DemoScore::good(int64_t counted) const {
  return !failed() && took_over_ && counted == kDemoExpected && all_grants() == kDemoExpected;
}

std::string DemoScore::verdict(int64_t counted) const {
  if (failed()) return "FAILED: " + failure_;
  if (!took_over_) return "FAILED: nobody took the lock over from the killed holder";
  if (!good(counted)) return "FAILED: increments were lost";
  if (outage() <= kTakeOverLimit) return "nothing was lost";
  return "nothing was lost; the take-over took " + demo_seconds(outage()) + ", the machine is busy";
}

std::string DemoScore::report(int64_t counted) const {
  const auto busy_us = duration_cast<microseconds>(end_ - start_ - outage()).count();
  const int64_t rate = int64_t{1000000} * all_grants() / std::max<int64_t>(busy_us, 1);
  return aligned({
      {"  counted", std::to_string(counted) + ", expected " + std::to_string(kDemoExpected)},
      {"  hand-offs", std::to_string(rate) + " per second"},
      {"  longest wait", demo_milliseconds(longest_) + ", and " +
                             demo_seconds(longest_behind_dead_) + " behind the killed holder"},
      {"  fairness", "least served " + std::to_string(least_) + ", most served " +
                         std::to_string(most_) + " when the holder was killed"},
      {"  fences", failed() ? "see above" : "rose with every grant"},
      {"  verdict", verdict(counted)},
  });
}

}  // namespace cli
