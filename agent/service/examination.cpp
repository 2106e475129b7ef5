#include "agent/service/examination.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/provider/endpoint_check.hpp"
#include "agent/service/checks.hpp"
#include "agent/service/config_check.hpp"
#include "agent/service/host_check.hpp"

namespace jeton::agent {
namespace {

constexpr Duration longest_examination = std::chrono::seconds(8);
constexpr std::size_t most_probes = 32;

void append(Findings& all, Findings more) {
  for (Finding& finding : more) all.push_back(std::move(finding));
}

// One for each server: many tokens may come from one.
std::vector<Check> endpoint_checks(const Examined& parts, Findings& found) {
  std::vector<Check> checks;
  std::set<std::string> seen;
  for (const auto& [name, token] : parts.config.tokens) {
    try {
      std::optional<HttpRequest> probe = endpoint_probe(token.source, parts.tokens);
      if (!probe || !seen.insert(probe->display).second || seen.size() > most_probes) continue;
      std::string subject = "provider " + probe->display;
      checks.push_back({std::move(subject), examine_endpoint(std::move(*probe), parts.http, parts.timers.clock())});
    } catch (const Error& e) {
      found.push_back({Finding::Level::problem, "provider of token " + name, e.what(),
                       "sudo jeton-agent fetch " + name + " --dry-run"});
    }
  }
  if (seen.size() > most_probes) {
    found.push_back({Finding::Level::ok, "provider",
                     std::to_string(seen.size() - most_probes) + " more servers of providers were not examined"});
  }
  return checks;
}

bool needs_state(const Config& config) {
  for (const auto& [name, token] : config.tokens) {
    if (keeps_state(token.source)) return true;
  }
  return false;
}

}  // namespace

Task<Findings> examine(Examined parts) {
  Findings found;
  if (parts.read_config) append(found, judge_config(parts.read_config(), parts.config));
  append(found, examine_limits(parts.config.agent.runtime_dir / "segments"));
  append(found, examine_directories(parts.config.agent, needs_state(parts.config)));
  std::vector<Check> checks = endpoint_checks(parts, found);
  checks.push_back({"coordinator", parts.coordinator.examine()});
  Findings asked = co_await run_checks(parts.timers, std::move(checks), longest_examination);
  append(found, std::move(asked));
  co_return found;
}

}  // namespace jeton::agent
