// Reloader: a reload from its request, by SIGHUP or through the local API, to its result, which is logged, reported to
// the service manager and returned to every caller that requested it.
//
// One reload runs at a time: all requests that come meanwhile share the next one, which reads the files again. One
// thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/config/load.hpp"
#include "agent/service/agent.hpp"
#include "agent/service/systemd_notifier.hpp"

namespace jeton::agent {

// Logs each problem with its place, at its level.
void log_problems(const std::vector<Problem>& problems);

class Reloader {
 public:
  // `agent` and `notifier` outlive it.
  Reloader(Agent& agent, Timers& timers, SystemdNotifier& notifier, std::function<LoadResult()> read);

  // If a caller is cancelled, the reload goes on.
  Task<ReloadVerdict> reload();

 private:
  void begin();
  Task<> run();
  void report(const std::string& refusal);

  Agent& agent_;
  SystemdNotifier& notifier_;
  const std::function<LoadResult()> read_;
  const Executor executor_;
  Event ended_;
  std::uint64_t begun_ = 0;  // number of reloads
  std::uint64_t done_ = 0;   // number of finished ones; at most one less than begun_
  ReloadVerdict last_;
};

}  // namespace jeton::agent
