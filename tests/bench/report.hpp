// What a run found: figures, each with its unit, and results, held against the goals of goals.json. A table on the
// screen, and a JSON file for tools that draw or compare (plot, table).
//
// goals.json has every goal of every benchmark, in the order of the tables of README.md: a key, what is measured, its
// unit, and the limit; null if the limit is measured in the same run.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/bench.hpp"

namespace jeton::bench {

class Report {
 public:
  Report();

  void section(const std::string& name);
  // `where` (sizes, readers, writer) goes into the JSON; a figure with one is not printed, its section does that.
  void add(const std::string& key, const std::string& name, double value, const std::string& unit,
           const nlohmann::json& where = {});
  void add(const std::vector<Case>& cases, const std::vector<double>& medians_ns);
  [[nodiscard]] double operator[](const std::string& key) const { return values_.at(key); }

  // The result for a goal of goals.json. `limit`: if it was measured.
  void result(const std::string& key, double value, std::optional<double> limit = std::nullopt);
  void print_results() const;

  // With the machine, the compiler and the date.
  void write(const std::string& file) const;

 private:
  struct Goal {
    std::string what;
    std::string unit;       // "x" for ratios
    bool at_least = false;  // otherwise at most
    std::optional<double> limit;
  };
  struct Result {
    std::string key;
    const Goal* goal = nullptr;
    double limit = 0;
    double value = 0;

    [[nodiscard]] bool met() const { return goal->at_least ? value >= limit : value <= limit; }
  };

  std::string section_;
  std::map<std::string, double> values_;
  nlohmann::json figures_ = nlohmann::json::array();
  std::map<std::string, Goal> goals_;
  std::vector<Result> results_;
};

}  // namespace jeton::bench
