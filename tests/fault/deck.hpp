// Which troubles come in which round: a deck of cards, dealt one or two at a time, and shuffled anew
// once all of it was dealt.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fault/nemesis.hpp"

namespace fault {

class Deck {
 public:
  // `every_kind`: each comes soon, once and in pairs, before any comes again or most come alone.
  Deck(std::vector<std::string> kinds, bool every_kind)
      : kinds_(std::move(kinds)), every_kind_(every_kind) {}
  // The kinds of a round.
  std::vector<std::string> deal(Random &random);
  bool each_has_come() const;
  const std::map<std::string, int64_t> &dealt() const { return dealt_; }

 private:
  std::string take(std::vector<std::string>::iterator card);

  const std::vector<std::string> kinds_;
  const bool every_kind_;
  std::vector<std::string> cards_;
  std::map<std::string, int64_t> dealt_;  // how often
};

}  // namespace fault
