// What can go wrong, as plans: things to do at times, drawn from a seeded source. Several plans are
// carried out at once by merging them. Each tells whom it disturbs, and from when to when.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "fault/crew.hpp"

namespace fault {

struct Action {
  int64_t at;  // us after the start of the round's troubles
  std::function<void(Crew &)> act;
};

struct Plan {
  std::string kind;
  std::vector<int> workers;  // {-1}: everybody
  std::vector<Action> actions;
};

using Random = std::mt19937_64;

const std::vector<std::string> &nemesis_kinds();
// The kinds as they are drawn from, one after the other. What shows less in a round comes more often.
std::vector<std::string> deck_of(const std::vector<std::string> &kinds);
// Its bounds are tight only where nothing else is broken, or it is two troubles by itself.
bool comes_alone(const std::string &kind);
Plan plan_nemesis(const std::string &kind, Random &random);

// Carries the plans out, heals everything, and writes down whom it hurt and when.
void carry_out(const std::vector<Plan> &plans, Crew &crew);

}  // namespace fault
