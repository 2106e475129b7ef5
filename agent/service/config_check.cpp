#include "agent/service/config_check.hpp"

#include <algorithm>
#include <string>

#include "agent/service/reload_plan.hpp"

namespace jeton::agent {
namespace {

constexpr const char* config_subject = "configuration";
constexpr const char* check_command = "sudo jeton-agent check";
constexpr std::size_t most_problems = 5;

void add_problems(const LoadResult& files, Findings& found) {
  const std::size_t shown = std::min(files.problems.size(), most_problems);
  for (std::size_t i = 0; i < shown; ++i) {
    const Problem& problem = files.problems[i];
    const bool error = problem.severity == Problem::Severity::error;
    found.push_back(
        {error ? Finding::Level::problem : Finding::Level::warning, config_subject, problem.text(), check_command});
  }
  const std::size_t all = files.errors + files.warnings;
  if (all > shown) {
    found.push_back({files.errors > 0 ? Finding::Level::problem : Finding::Level::warning, config_subject,
                     std::to_string(all - shown) + " more problems", check_command});
  }
}

}  // namespace

Findings judge_config(const LoadResult& files, const Config& running) {
  Findings found;
  add_problems(files, found);
  if (!files.config) return found;
  const ReloadPlan plan = plan_reload(running, *files.config);
  if (!plan.needs_restart.empty()) {
    found.push_back({Finding::Level::warning, config_subject,
                     "the files have changed, and " + plan.needs_restart.front() + " needs a restart",
                     "sudo systemctl restart jeton-agent"});
  } else if (running != *files.config) {
    found.push_back({Finding::Level::warning, config_subject, "the files have changed since they were applied",
                     "sudo systemctl reload jeton-agent"});
  } else {
    found.push_back({Finding::Level::ok, config_subject, "the files are in force, as the service reads them"});
  }
  return found;
}

}  // namespace jeton::agent
