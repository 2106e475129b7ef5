#include "agent/service/reloader.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "agent/api/token_condition.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {

void log_problems(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    const bool error = problem.severity == Problem::Severity::error;
    log::write(log::configuration_problem, error ? log::Level::error : log::Level::warning, "configuration problem",
               {{"problem", problem.text()}});
  }
}

Reloader::Reloader(Agent& agent, Timers& timers, SystemdNotifier& notifier, std::function<LoadResult()> read)
    : agent_(agent), notifier_(notifier), read_(std::move(read)), executor_(timers.executor()), ended_(timers) {}

Task<ReloadVerdict> Reloader::reload() {
  const std::uint64_t mine = begun_ + 1;
  while (done_ < mine) {
    if (begun_ == done_) begin();
    if (done_ < mine) co_await ended_.wait();  // it may have ended at once
  }
  co_return last_;
}

void Reloader::begin() {
  ++begun_;
  boost::asio::co_spawn(executor_, run(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);  // a defect; a restart heals it best
  });
}

Task<> Reloader::run() {
  notifier_.reloading();
  LoadResult result = read_();
  log_problems(result.problems);
  ReloadVerdict verdict;
  for (const Problem& problem : result.problems) verdict.problems.push_back(problem.text());
  if (!result.config) verdict.refusal = "the files have errors";
  if (result.config) {
    try {
      co_await agent_.reload(std::move(*result.config));
    } catch (const Error& e) {
      verdict.refusal = e.what();
    }
  }
  if (!agent_.stopping()) report(verdict.refusal);  // otherwise the service manager must learn of the stop
  last_ = std::move(verdict);
  done_ = begun_;
  ended_.notify();
}

void Reloader::report(const std::string& refusal) {
  if (!refusal.empty()) {
    log::error(log::reload_refused, "reload refused; the old configuration stays in force", {{"reason", refusal}});
  }
  agent_.note_reload(refusal);
  notifier_.ready(status_line(agent_.agent_status()));
}

}  // namespace jeton::agent
