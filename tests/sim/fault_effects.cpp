#include "tests/sim/fault_effects.hpp"

#include <limits>

namespace jeton::sim {
namespace {

using Target = FaultInfo::Target;

}  // namespace

void FaultEffects::begins(const Fault& fault) {
  ++counts_.injected[index(fault.kind)];
  lasting_[fault.number] = look(fault);
}

void FaultEffects::ends(const Fault& fault) {
  const auto before = lasting_.extract(fault.number);
  if (!before.empty() && took_effect(fault, before.mapped())) ++counts_.took_effect[index(fault.kind)];
}

FaultEffects::Before FaultEffects::look(const Fault& fault) const {
  const Target target = info(fault.kind).target;
  Before before;
  before.calls = world_.fleet.provider.calls;
  before.rate_limited = world_.fleet.provider.rate_limited;
  if (target == Target::host) before.agent_runs = world_.fleet.runs(fault.target);
  for (std::size_t i = 0; i < world_.plan.servers; ++i) {
    if (target == Target::server && i != fault.target) continue;
    const test::MemoryServer& server = world_.fleet.server(i);
    before.commands += server.commands();
    before.scripts += server.commands("EVALSHA") + server.commands("EVAL");
    before.messages += server.commands("PUBLISH");
    before.connections += server.connections();
    before.keys += server.keys().size();
  }
  return before;
}

bool FaultEffects::took_effect(const Fault& fault, const Before& before) const {
  const FaultInfo& kind = info(fault.kind);
  const Before now = look(fault);
  switch (kind.resource) {
    case Resource::segment:
      return world_.fleet.segments[fault.target].failing_writes < std::numeric_limits<int>::max();
    case Resource::disk:  // each call may bring a state
      return before.agent_runs && now.calls > before.calls;
    case Resource::script_time:
      return now.scripts > before.scripts;
    case Resource::messages:
      return now.scripts + now.messages > before.scripts + before.messages;
    case Resource::rate_limit:
      return now.rate_limited > before.rate_limited;
    default:
      break;
  }
  switch (kind.target) {
    case Target::host:
      return before.agent_runs && (fault.kind != FaultKind::failpoint_kill || !world_.fleet.runs(fault.target));
    case Target::server:
      if (kind.resource == Resource::none) return now.keys < before.keys;
      return before.connections > 0 || now.commands > before.commands;
    case Target::nothing:
      break;
  }
  return kind.resource == Resource::latency ? now.commands > before.commands : now.calls > before.calls;
}

}  // namespace jeton::sim
