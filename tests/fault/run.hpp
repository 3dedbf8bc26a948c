// A run: rounds of calm, trouble and recovery, each ended by a lull, in which nothing new is asked
// for and all that was must come to an end. What came of it is judged in each lull, and told at the
// end.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "fault/checker.hpp"
#include "fault/crew.hpp"
#include "fault/deck.hpp"
#include "fault/nemesis.hpp"

namespace fault {

struct Settings {
  int64_t seconds = 60;
  uint64_t seed = 1;
  std::vector<std::string> kinds;  // to take them from
  bool every_kind = false;         // for up to twice as long, until each has come
  bool stop_at_first = false;
  std::string keep;  // where the history is to stay
};

class Run {
 public:
  // Once `told_to_end`, it ends after the round under way.
  Run(const Settings &settings, const std::string &folder,
      const volatile std::sig_atomic_t &told_to_end);
  // Whether nothing is to complain of.
  bool go();

 private:
  void round();
  void recover(const std::string &trouble);
  void rest(int64_t low, int64_t high);
  std::vector<Plan> draw();
  bool drain();
  void complain(const Record &record);
  void judge_work();
  bool has_struck(const std::string &kind);
  std::vector<std::string> missed();
  void read_on();
  Record collected();
  Record collect();
  void tell_violations(const std::string &when);
  void report();

  const Settings &settings_;
  const volatile std::sig_atomic_t &told_to_end_;
  Random random_;
  Deck deck_;
  Crew crew_;
  HistoryReader reader_;
  std::vector<Event> events_;
  std::vector<int64_t> stalls_, slow_;  // us each
  Checker checker_;
  size_t told_ = 0;  // of its violations
  Totals totals_;
  int rounds_ = 0, since_long_rest_ = 0;
};

}  // namespace fault
