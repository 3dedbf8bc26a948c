// What a benchmark found: named sections of rows of numbers, as a table for people and as one JSON
// object for programs. Shared with tests/bench.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cli {

struct FigureRow {
  std::string name;
  std::vector<std::pair<std::string, double>> values;  // column and number
};

struct FigureSection {
  std::string name;  // a key of JSON
  std::string note;  // how it was measured, a sentence
  std::vector<FigureRow> rows;
};

using Figures = std::vector<FigureSection>;

std::string figures_text(const Figures &figures);
std::string figures_json(const Figures &figures);

// A sorted set of numbers; 0 for every quantile of none.
class Sorted {
 public:
  explicit Sorted(std::vector<double> values);
  double at(double quantile) const;
  double median() const { return at(0.5); }

 private:
  std::vector<double> values_;
};

}  // namespace cli
