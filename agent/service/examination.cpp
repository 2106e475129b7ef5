#include "agent/service/examination.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/provider/endpoint_check.hpp"
#include "agent/service/reload_plan.hpp"

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
  return std::any_of(config.tokens.begin(), config.tokens.end(),
                     [](const auto& token) { return keeps_state(token.second.source); });
}

struct RunningChecks {
  RunningChecks(Timers& timers, std::size_t count) : ended(timers), results(count), left(count) {}

  Event ended;
  std::vector<std::optional<Findings>> results;  // none: it has not ended
  std::size_t left;
};

Task<> run_one(std::shared_ptr<RunningChecks> running, std::size_t index, Check check) {
  Findings found;
  try {
    found = co_await std::move(check.work);
  } catch (const boost::system::system_error&) {
    co_return;  // the agent ends
  } catch (const std::exception& e) {
    found.push_back({Finding::Level::problem, check.subject, e.what()});
  }
  running->results[index] = std::move(found);
  --running->left;
  running->ended.notify();
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

Task<Findings> run_checks(Timers& timers, std::vector<Check> checks, Duration patience) {
  const auto running = std::make_shared<RunningChecks>(timers, checks.size());
  std::vector<std::string> subjects;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    subjects.push_back(checks[i].subject);
    start_task(timers.executor(), run_one(running, i, std::move(checks[i])));
  }
  const BootTime deadline = timers.clock().boot_now() + patience;
  bool in_time = true;
  while (running->left > 0 && in_time) in_time = co_await running->ended.wait_until(deadline);
  Findings all;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (running->results[i]) {
      append(all, std::move(*running->results[i]));
    } else {
      all.push_back({Finding::Level::problem, subjects[i],
                     "the check had no result within " + std::to_string(patience / std::chrono::seconds(1)) + "s"});
    }
  }
  co_return all;
}

}  // namespace jeton::agent
