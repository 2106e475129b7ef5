#include "tests/sim/faults.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "tests/sim/failpoints.hpp"
#include "tests/sim/fault_rows.hpp"

namespace jeton::sim {
namespace {

using Table = std::array<FaultInfo, fault_kind_count>;

Table make_table() {
  Table table;
  for (const auto& rows : {host_faults(), server_faults(), provider_faults()}) {
    for (const FaultInfo& row : rows) table[index(row.kind)] = row;
  }
  return table;
}

// The segment needs a process that dies between two stores (tests/fault/segment); no host has outputs, and a reload
// replaces the loop only.
bool can_be_reached(std::string_view failpoint, const Plan& plan) {
  const std::string_view of = failpoint.substr(0, failpoint.find('.'));
  if (of == "local") return plan.backend == Backend::local;
  if (of == "redis") return plan.backend != Backend::local;
  if (of == "redlock") return plan.backend == Backend::redlock;
  if (of == "private_file") return plan.backend == Backend::local || plan.rotates;
  if (of == "locks") return plan.lock_users > 0;
  if (of == "revoke") return plan.revokes;
  return of == "refresh";
}

}  // namespace

const FaultInfo& info(FaultKind kind) {
  static const Table table = make_table();
  return table[index(kind)];
}

Fault crash_of(std::size_t host) {
  Fault fault;
  fault.kind = FaultKind::crash;
  fault.target = host;
  return fault;
}

std::size_t failpoint_of(const Plan& plan, const Fault& fault) {
  std::vector<std::size_t> reachable;
  for (std::size_t i = 0; i < failpoint_names.size(); ++i) {
    if (can_be_reached(failpoint_names.at(i), plan)) reachable.push_back(i);
  }
  return reachable[fault.amount % reachable.size()];
}

void begin_fault(World& world, const Fault& fault) {
  world.note("fault", to_text(fault));
  world.disturbances.begin(fault, world.now());
  info(fault.kind).begin(world, fault);
  if (info(fault.kind).end == nullptr) world.disturbances.end(fault, world.now());
}

void end_fault(World& world, const Fault& fault) {
  if (info(fault.kind).end == nullptr) return;
  world.note("fault", "ends: " + to_text(fault));
  info(fault.kind).end(world, fault);
  world.disturbances.end(fault, world.now());
}

}  // namespace jeton::sim
