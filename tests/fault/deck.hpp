// Which troubles come in which round: a deck of cards, dealt one or two at a time, and shuffled
// anew once all of it was dealt.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fault/nemesis.hpp"

namespace fault {

class Deck {
 public:
  explicit Deck(std::vector<std::string> kinds) : kinds_(std::move(kinds)) {}
  // The kinds of a round. Those that are `missed` come soon: in pairs, and before any other.
  std::vector<std::string> deal(Random &random, const std::vector<std::string> &missed);
  const std::map<std::string, int64_t> &dealt() const { return dealt_; }

 private:
  std::string take(std::vector<std::string>::iterator card);

  const std::vector<std::string> kinds_;
  std::vector<std::string> cards_;
  std::map<std::string, int64_t> dealt_;  // how often
};

}  // namespace fault
