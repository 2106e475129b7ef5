#include "tests/sim/replay.hpp"

#include <sstream>
#include <utility>
#include <vector>

namespace jeton::sim {
namespace {

// The part of an entry after the sign, up to the next sign.
std::optional<Duration> time_behind(char sign, const std::string& entry) {
  const auto at = entry.find(sign);
  if (at == std::string::npos) return std::nullopt;
  return Duration{std::stoll(entry.substr(at + 1))};
}

std::string nanoseconds(Duration duration) { return std::to_string(duration.count()); }

}  // namespace

Plan plan_of(const ReplayOptions& options) {
  Plan plan = make_plan(options.seed);
  plan.hosts = options.hosts.value_or(plan.hosts);
  plan.length = options.length.value_or(plan.length);
  if (!options.faults) return plan;
  const std::vector<Fault> all = std::exchange(plan.faults, {});
  std::istringstream list(*options.faults == "none" ? "" : *options.faults);
  for (std::string entry; std::getline(list, entry, ',');) {
    Fault& fault = plan.faults.emplace_back(all.at(std::stoull(entry)));
    fault.at = time_behind('@', entry).value_or(fault.at);
    fault.length = time_behind(':', entry).value_or(fault.length);
  }
  return plan;
}

std::string replay_options(const Plan& plan) {
  const Plan whole = make_plan(plan.seed);
  std::string text = "--seed " + std::to_string(plan.seed);
  if (plan.hosts != whole.hosts) text += " --hosts " + std::to_string(plan.hosts);
  if (plan.length != whole.length) text += " --length " + nanoseconds(plan.length);
  std::string faults;
  bool same = plan.faults.size() == whole.faults.size();
  for (const Fault& fault : plan.faults) {
    const Fault& drawn = whole.faults.at(fault.number);
    faults += (faults.empty() ? "" : ",") + std::to_string(fault.number);
    if (fault.at != drawn.at) faults += "@" + nanoseconds(fault.at);
    if (fault.length != drawn.length) faults += ":" + nanoseconds(fault.length);
    same = same && fault.at == drawn.at && fault.length == drawn.length;
  }
  return same ? text : text + " --faults " + (faults.empty() ? "none" : faults);
}

}  // namespace jeton::sim
