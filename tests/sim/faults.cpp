#include "tests/sim/faults.hpp"

#include <algorithm>
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

// The segment needs a process that dies between two stores (tests/fault/segment); no host has outputs or reloads.
std::size_t failpoint_of(const Fault& fault) {
  constexpr std::array<std::string_view, 3> elsewhere{"segment.", "output.", "reload."};
  std::vector<std::size_t> reachable;
  for (std::size_t i = 0; i < failpoint_names.size(); ++i) {
    const auto begins = [name = failpoint_names.at(i)](std::string_view folder) { return name.starts_with(folder); };
    if (std::none_of(elsewhere.begin(), elsewhere.end(), begins)) reachable.push_back(i);
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
