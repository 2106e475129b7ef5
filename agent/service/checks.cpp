#include "agent/service/checks.hpp"

#include <boost/system/system_error.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"

namespace jeton::agent {
namespace {

struct RunningChecks {
  RunningChecks(Timers& timers, std::size_t count) : ended(timers), results(count), left(count) {}

  Event ended;
  std::vector<std::optional<Findings>> results;  // none: it has not ended
  std::size_t left;
};

Task<> run_one(std::shared_ptr<RunningChecks> running, std::size_t index, Check check) {
  Findings found;
  std::string failure;
  try {
    found = co_await std::move(check.work);
  } catch (const boost::system::system_error&) {
    co_return;  // the agent ends
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (!failure.empty()) found.push_back({Finding::Level::problem, check.subject, failure});
  running->results[index] = std::move(found);
  --running->left;
  running->ended.notify();
}

}  // namespace

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
    if (!running->results[i]) {
      all.push_back({Finding::Level::problem, subjects[i],
                     "the check had no result within " + std::to_string(patience / std::chrono::seconds(1)) + "s"});
      continue;
    }
    for (Finding& finding : *running->results[i]) all.push_back(std::move(finding));
  }
  co_return all;
}

}  // namespace jeton::agent
