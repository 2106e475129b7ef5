// simulate(): one run of a plan, from the start of its fleet to its orderly stop, with all invariants.
//
// The faults come first. Then the fleet must recover within a bound, keep a token in the calm for the rest of the
// plan's length and a lifetime, and leave nothing behind when it is stopped. All is decided by the plan: the same plan
// gives the same hash.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/sim/coverage.hpp"
#include "tests/sim/most_work.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  std::vector<std::string> timeline;  // the last lines
  Coverage coverage{};
  Duration virtual_time{};
  std::uint64_t calls = 0;  // to the provider
  std::uint64_t commands = 0;
  std::uint64_t turns = 0;
  MostWork most{};
};

struct Observation {
  std::ostream* live = nullptr;                   // gets the timeline at once
  std::function<void(World& world)> each_turn{};  // before the invariants look, for a test that breaks something
};

[[nodiscard]] Outcome simulate(const Plan& plan, const Observation& observation = {});

// What a plan says of its fleet, of the first token, and of the provider of a world's fleet.
[[nodiscard]] test::FleetSettings fleet_of(const Plan& plan);
void prepare_provider(World& world);

// Of a fleet with a shared store: every host has a token that is valid, and all the same.
[[nodiscard]] bool all_have_the_token(const test::VirtualFleet& fleet);

// After the last fault every host has a valid token within this time, and with a shared store the same one.
[[nodiscard]] Duration recovery_bound(const Plan& plan);

}  // namespace jeton::sim
