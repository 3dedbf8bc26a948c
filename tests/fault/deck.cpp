// Shuffling and dealing.
#include "fault/deck.hpp"

#include <algorithm>

namespace fault {

std::vector<std::string> Deck::deal(Random &random, const std::vector<std::string> &missed) {
  if (cards_.empty()) {
    cards_ = missed.empty() ? deck_of(kinds_) : missed;
    std::shuffle(cards_.begin(), cards_.end(), random);
  }
  std::vector<std::string> hand{take(cards_.begin())};
  const bool pair = !missed.empty() || std::uniform_int_distribution<>(0, 2)(random) != 0;
  if (!pair || comes_alone(hand[0])) return hand;
  const auto other = std::find_if(cards_.begin(), cards_.end(), [&](const std::string &kind) {
    return kind != hand[0] && !comes_alone(kind);
  });
  if (other != cards_.end()) hand.push_back(take(other));
  return hand;
}

std::string Deck::take(std::vector<std::string>::iterator card) {
  std::string kind = std::move(*card);
  cards_.erase(card);
  ++dealt_[kind];
  return kind;
}

}  // namespace fault
