#include "agent/commands/check.hpp"

#include <algorithm>
#include <iostream>
#include <string>

#include "agent/config/load.hpp"

namespace jeton::agent {

namespace {

std::string count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string coordination_text(const CoordinationConfig& coordination) {
  if (coordination.redis) return "coordination redis at " + coordination.redis->display();
  if (coordination.redlock) {
    return "coordination redlock over " + count(coordination.redlock->endpoints.size(), "server");
  }
  return "coordination local (this host alone)";
}

}  // namespace

int run_check(const std::vector<std::filesystem::path>& files, std::ostream& out, std::ostream& err) {
  const std::vector<std::filesystem::path> used = files.empty() ? default_config_files() : files;
  const LoadResult result = load_config(used);
  for (const Problem& problem : result.problems) err << problem.text() << '\n';

  const auto is_error = [](const Problem& p) { return p.severity == Problem::Severity::error; };
  const auto errors = static_cast<std::size_t>(std::count_if(result.problems.begin(), result.problems.end(), is_error));
  const std::size_t warnings = result.problems.size() - errors;
  if (!result.config) {
    err << (used.size() == 1 ? used.front().string() : count(used.size(), "file")) << ": " << count(errors, "error")
        << (warnings == 0 ? "" : ", " + count(warnings, "warning")) << std::endl;
    return 1;
  }
  out << "configuration is valid: " << count(result.config->tokens.size(), "token") << ", "
      << coordination_text(result.config->coordination) << (warnings == 0 ? "" : ", " + count(warnings, "warning"))
      << std::endl;
  return 0;
}

int run_check(const std::vector<std::filesystem::path>& files) { return run_check(files, std::cout, std::cerr); }

}  // namespace jeton::agent
