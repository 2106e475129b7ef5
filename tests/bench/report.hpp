// What a run found: figures, each with its unit, and the goals they are held against. A table on the screen, and
// bench.json for tools that draw or compare.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/bench.hpp"

namespace jeton::bench {

struct Goal {
  std::string text;
  std::string unit;  // "x" for ratios
  double limit = 0;
  bool at_least = false;  // otherwise at most
  double value = 0;

  [[nodiscard]] bool met() const { return at_least ? value >= limit : value <= limit; }
};

class Report {
 public:
  void section(const std::string& name);
  // `where` (sizes, readers, writer) goes into the JSON; a figure with one is not printed, its section does that.
  void add(const std::string& key, const std::string& name, double value, const std::string& unit,
           const nlohmann::json& where = {});
  void add(const std::vector<Case>& cases, const std::vector<double>& medians_ns);
  [[nodiscard]] double operator[](const std::string& key) const { return values_.at(key); }

  void at_most(const std::string& text, double limit, double value, const std::string& unit = "x");
  void at_least(const std::string& text, double limit, double value, const std::string& unit = "x");
  void print_goals() const;

  // With the machine, the compiler and the date.
  void write(const std::string& file) const;

 private:
  std::string section_;
  std::map<std::string, double> values_;
  nlohmann::json figures_ = nlohmann::json::array();
  std::vector<Goal> goals_;
};

}  // namespace jeton::bench
