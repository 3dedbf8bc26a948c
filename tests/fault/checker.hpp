// Judges a round by the promises of the library. A bound has slack for a busy machine, but what is
// checked is never less than what is promised.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fault/record.hpp"

namespace fault {

struct Violation {
  std::string check, what;
  int64_t at;
};

struct Totals {
  int64_t calls = 0, grants = 0, foreign = 0, refused = 0, writes = 0;
  std::map<std::string, int64_t> statuses, releases;
  std::map<std::string, std::pair<int64_t, int64_t>> kinds;  // calls, and those granted
  // us, from the call to release to the next waiter's return; without the far worker
  std::vector<int64_t> hand_offs;
  // us, from the end of a lease that was not released to the grant of the head: of one that joined as
  // the head, and of one that became it; without the far worker
  std::vector<int64_t> take_overs, next_take_overs;
};

class Checker {
 public:
  // One round.
  void check(const Record &record, Totals &totals);
  // A whole run, at its end.
  void judge(const Totals &totals, int64_t at);
  const std::vector<Violation> &violations() const { return violations_; }
  void add(const std::string &check, const std::string &what, int64_t at);

 private:
  void exclusion(const Record &record, const std::string &name);
  void server_agrees(const Record &record, const std::string &name);
  void fences(const Record &record, const std::string &name);
  void store(const Record &record, const std::string &name);
  void settled(const Record &record, const std::string &name);
  void server_order(const Record &record, const std::string &name);
  void client_order(const Record &record, const std::string &name);
  void wake_ups(const Record &record, const std::string &name);
  void take_overs(const Record &record, const std::string &name);
  void places(const Record &record, const std::string &name);
  void the_dead(const Record &record, const std::string &name);
  void outcomes(const Record &record, const Call &call);
  void answer(const Record &record, const Call &call, const std::string &what,
              const std::string &status, Span span);
  void promises(const Record &record, const Call &call);
  void deadlines(const Record &record, const Call &call);
  void count(const Record &record, const std::string &name, Totals &totals) const;
  void time_take_overs(const Record &record, const std::string &name, Totals &totals) const;

  std::map<std::string, int64_t> highest_;  // fence of the rounds before, by name
  std::vector<Violation> violations_;
};

}  // namespace fault
