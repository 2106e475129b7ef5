#include "agent/cli/check.hpp"

#include <ostream>
#include <string>

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
  return "coordination local (this host only)";
}

}  // namespace

int report_check(const LoadResult& result, const std::vector<std::filesystem::path>& files, const std::string& as,
                 std::ostream& out, std::ostream& err) {
  for (const Problem& problem : result.problems) err << problem.text() << '\n';
  const std::size_t unsaid = result.errors + result.warnings - result.problems.size();
  if (unsaid > 0) err << "and " << count(unsaid, "further problem") << '\n';
  const std::string warnings = result.warnings == 0 ? "" : ", " + count(result.warnings, "warning");
  const std::string by = as.empty() ? "" : " (checked as " + as + ")";
  if (!result.config) {
    const std::string what = files.empty()       ? "/etc/jeton"
                             : files.size() == 1 ? files.front().string()
                                                 : count(files.size(), "file");
    err << what << ": " << count(result.errors, "error") << warnings << by << std::endl;
    return 1;
  }
  out << "configuration is valid: " << count(result.config->tokens.size(), "token") << ", "
      << coordination_text(result.config->coordination) << warnings << by << std::endl;
  return 0;
}

}  // namespace jeton::agent
