#include "tests/sim/failpoint_kills.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/base/failpoint.hpp"
#include "tests/sim/faults.hpp"

namespace jeton::sim {

FailpointKills::FailpointKills(World& world, Coverage& counts) : world_(world), counts_(counts) {
  agent::observe_failpoints([this](std::string_view name) { passed(name); });
}

FailpointKills::~FailpointKills() { agent::observe_failpoints(nullptr); }

void FailpointKills::passed(std::string_view name) {
  const std::size_t number = index_of_failpoint(name);
  ++counts_.reached[number];
  if (!world_.armed.empty()) passed_.push_back(number);
}

FailpointKills::Activity FailpointKills::activity_of(std::size_t host) const {
  const test::HostTimers& timers = world_.fleet.timers_of(host);
  return {timers.scheduled(), timers.pending()};
}

void FailpointKills::each_turn() {
  if (world_.armed.empty() && before_.empty()) return;
  const auto names = std::exchange(passed_, {});
  const auto armed = world_.armed;  // copied, because a kill disarms
  for (const auto& [host, failpoint] : armed) {
    const auto before = before_.find(host);
    if (before == before_.end()) {
      ++counts_.armed[failpoint];
      continue;
    }
    const bool was_passed = std::find(names.begin(), names.end(), failpoint) != names.end();
    if (!was_passed || before->second == activity_of(host) || !world_.fleet.runs(host)) continue;
    ++counts_.killed[failpoint];
    world_.note(host_name(host), "is killed at " + std::string(failpoint_names.at(failpoint)));
    world_.armed.erase(host);
    const Fault crash = crash_of(host);
    world_.disturbances.begin(crash, world_.now());
    info(crash.kind).begin(world_, crash);
  }
  before_.clear();
  for (const auto& [host, failpoint] : world_.armed) before_[host] = activity_of(host);
}

}  // namespace jeton::sim
