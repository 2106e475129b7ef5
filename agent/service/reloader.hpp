// Reloader: a reload from its request, by SIGHUP or through the local API, to its result, which is logged, reported to
// the service manager and returned to every caller that requested it.
//
// One at a time: a request that comes meanwhile has its turn afterwards, shared with all that wait by then, and reads
// the files again. One thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/config/load.hpp"
#include "agent/service/agent.hpp"
#include "agent/service/systemd_notifier.hpp"

namespace jeton::agent {

// Each with its place, at its level.
void log_problems(const std::vector<Problem>& problems);

class Reloader {
 public:
  // `agent` and `notifier` outlive it.
  Reloader(Agent& agent, Timers& timers, SystemdNotifier& notifier, std::function<LoadResult()> read);

  // A caller that is cancelled does not break the reload off.
  Task<ReloadVerdict> reload();

 private:
  void begin();
  Task<> run();
  Task<> judge(ReloadVerdict& verdict);

  Agent& agent_;
  SystemdNotifier& notifier_;
  const std::function<LoadResult()> read_;
  const Executor executor_;
  Event ended_;
  std::uint64_t begun_ = 0;  // so many reloads
  std::uint64_t done_ = 0;   // of these; the others are one at most
  ReloadVerdict last_;
};

}  // namespace jeton::agent
