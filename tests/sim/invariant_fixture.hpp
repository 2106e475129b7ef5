// InvariantFixture: a fleet and its world, for tests of one invariant. The tests report to the invariant what they make
// up, and ask what it says.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

class InvariantFixture : public testing::Test {
 protected:
  explicit InvariantFixture(Plan p = calm_plan())
      : plan(std::move(p)), fleet({.agents = plan.hosts, .servers = plan.servers, .lock_ttl = plan.lock_ttl}) {}

  [[nodiscard]] std::optional<Invariant> broken() const {
    return world.violation ? std::optional(world.violation->invariant) : std::nullopt;
  }
  // Its text, for an invariant that tells which host it means. Empty: none. A violation of another one fails the test.
  [[nodiscard]] std::string violation_of(Invariant expected) const {
    if (!world.violation) return "";
    EXPECT_EQ(world.violation->invariant, expected);
    return world.violation->text;
  }

  Plan plan;
  test::VirtualFleet fleet;
  World world{plan, fleet, nullptr};
};

}  // namespace jeton::sim
