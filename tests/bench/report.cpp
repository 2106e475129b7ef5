#include "tests/bench/report.hpp"

#include <cstdio>
#include <fstream>

#include "tests/bench/machine.hpp"

namespace jeton::bench {

Report::Report() {
  std::ifstream file(JETON_BENCH_GOALS);
  for (const nlohmann::json& goal : nlohmann::json::parse(file)) {
    const bool at_least = goal.contains("at_least");
    const nlohmann::json& limit = goal.at(at_least ? "at_least" : "at_most");
    Goal made{goal.at("what").get<std::string>(), goal.at("unit").get<std::string>(), at_least, std::nullopt};
    std::erase(made.what, '`');
    if (!limit.is_null()) made.limit = limit.get<double>();
    goals_.emplace(goal.at("key").get<std::string>(), std::move(made));
  }
}

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

void Report::result(const std::string& key, double value, std::optional<double> limit) {
  const auto found = goals_.find(key);
  require(found != goals_.end(), "a result without a goal in goals.json");
  if (!limit) limit = found->second.limit;
  require(limit.has_value(), "a goal without a limit");
  results_.push_back({key, &found->second, limit.value_or(0), value});
}

void Report::print_results() const {
  if (results_.empty()) return;
  std::printf("\n%9s     %14s\n", "measured", "goal");
  for (const Result& result : results_) {
    const Goal& goal = *result.goal;
    const int digits = result.limit < 100 ? 2 : 0;
    std::printf("%9.*f %-2s  %s %8.*f %-2s  %-5s  %s\n", digits, result.value, goal.unit.c_str(),
                goal.at_least ? ">=" : "<=", digits, result.limit, goal.unit.c_str(), result.met() ? "met" : "short",
                goal.what.c_str());
  }
}

void Report::write(const std::string& file) const {
  nlohmann::json results = nlohmann::json::array();
  for (const Result& result : results_) {
    results.push_back({{"key", result.key}, {"value", result.value}, {"limit", result.limit}, {"met", result.met()}});
  }
  const Machine machine = this_machine();
  const nlohmann::json all = {{"machine", {{"cpu", machine.cpu}, {"cores", machine.cores}, {"kernel", machine.kernel}}},
                              {"date", machine.date},
                              {"compiler", machine.compiler},
                              {"build", machine.build},
                              {"figures", figures_},
                              {"results", results}};
  std::ofstream out(file);
  out << all.dump(1) << '\n';
  require(out.flush().good(), "cannot write the JSON file");
}

}  // namespace jeton::bench
