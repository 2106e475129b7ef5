#include "tests/bench/report.hpp"

#include <cstdio>
#include <fstream>

#include "tests/bench/machine.hpp"

namespace jeton::bench {

void Report::section(const std::string& name) {
  section_ = name;
  std::printf("\n%s\n", name.c_str());
  std::fflush(stdout);
}

void Report::add(const std::string& key, const std::string& name, double value, const std::string& unit,
                 const nlohmann::json& where) {
  nlohmann::json figure = {{"section", section_}, {"key", key}, {"name", name}, {"value", value}, {"unit", unit}};
  if (where.is_null()) {
    values_[key] = value;
    std::printf("  %-50s %12.1f %s\n", name.c_str(), value, unit.c_str());
  } else {
    figure["where"] = where;
  }
  figures_.push_back(std::move(figure));
}

void Report::add(const std::vector<Case>& cases, const std::vector<double>& medians_ns) {
  for (std::size_t i = 0; i < cases.size(); ++i) add(cases[i].key, cases[i].name, medians_ns[i], "ns");
}

void Report::at_most(const std::string& text, double limit, double value, const std::string& unit) {
  goals_.push_back({text, unit, limit, false, value});
}
void Report::at_least(const std::string& text, double limit, double value, const std::string& unit) {
  goals_.push_back({text, unit, limit, true, value});
}

void Report::print_goals() const {
  if (goals_.empty()) return;
  std::printf("\n%-62s %12s %14s\n", "goals", "measured", "goal");
  for (const Goal& goal : goals_) {
    const int digits = goal.limit < 100 ? 2 : 0;
    std::printf("  %-60s %9.*f %-2s %s %8.*f %-2s  %s\n", goal.text.c_str(), digits, goal.value, goal.unit.c_str(),
                goal.at_least ? ">=" : "<=", digits, goal.limit, goal.unit.c_str(), goal.met() ? "met" : "short");
  }
}

void Report::write(const std::string& file) const {
  nlohmann::json goals = nlohmann::json::array();
  for (const Goal& goal : goals_) {
    goals.push_back({{"goal", goal.text},
                     {goal.at_least ? "at_least" : "at_most", goal.limit},
                     {"value", goal.value},
                     {"unit", goal.unit},
                     {"met", goal.met()}});
  }
  const Machine machine = this_machine();
  const nlohmann::json all = {{"machine", {{"cpu", machine.cpu}, {"cores", machine.cores}, {"kernel", machine.kernel}}},
                              {"date", machine.date},
                              {"compiler", machine.compiler},
                              {"build", machine.build},
                              {"figures", figures_},
                              {"goals", goals}};
  std::ofstream out(file);
  out << all.dump(1) << '\n';
  require(out.flush().good(), "cannot write the JSON file");
}

}  // namespace jeton::bench
