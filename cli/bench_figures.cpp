// Numbers are shown with three or four digits that mean something; JSON has them all.
#include "bench_figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "text.hpp"

namespace cli {
namespace {

std::string shown(double value) {
  const double size = std::fabs(value);
  const int digits = value == std::floor(value) || size >= 1000 ? 0 : size >= 10 ? 1 : 3;
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string exact(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.9g", std::isfinite(value) ? value : 0.0);
  return text;
}

std::string table(const FigureSection &section) {
  std::vector<std::vector<std::string>> lines = {{""}};
  for (const auto &[column, value] : section.rows.front().values) lines[0].push_back(column);
  for (const FigureRow &row : section.rows) {
    lines.push_back({row.name});
    for (const auto &[column, value] : row.values) lines.back().push_back(shown(value));
  }
  return aligned(lines);
}

// One row reads better downwards.
std::string list(const FigureRow &row) {
  std::vector<std::vector<std::string>> lines;
  for (const auto &[column, value] : row.values) lines.push_back({column, shown(value)});
  return aligned(lines);
}

}  // namespace

std::string figures_text(const Figures &figures) {
  std::string out;
  for (const FigureSection &section : figures) {
    if (section.rows.empty()) continue;
    if (!out.empty()) out += "\n";
    out += section.name + ": " + section.note + "\n";
    out += section.rows.size() == 1 ? list(section.rows[0]) : table(section);
  }
  return out;
}

std::string figures_json(const Figures &figures) {
  std::string out = "{";
  for (const FigureSection &section : figures) {
    out += std::string(out.size() == 1 ? "" : ",") + "\n  " + json_string(section.name) +
           ": {\"note\": " + json_string(section.note);
    for (const FigureRow &row : section.rows) {
      out += ",\n    " + json_string(row.name) + ": {";
      const char *comma = "";
      for (const auto &[column, value] : row.values) {
        out += comma + json_string(column) + ": " + exact(value);
        comma = ", ";
      }
      out += "}";
    }
    out += "}";
  }
  return out + "\n}\n";
}

Sorted::Sorted(std::vector<double> values) : values_(std::move(values)) {
  std::sort(values_.begin(), values_.end());
}

double Sorted::at(double quantile) const {
  if (values_.empty()) return 0;
  const double place = quantile * static_cast<double>(values_.size() - 1);
  return values_[static_cast<size_t>(std::lround(place))];
}

}  // namespace cli
