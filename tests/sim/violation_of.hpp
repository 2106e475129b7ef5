// The text of a violation, for tests of an invariant that tells which host it means.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/sim/world.hpp"

namespace jeton::sim {

// Empty: none. A violation of another invariant fails the test.
[[nodiscard]] inline std::string violation_of(const World& world, Invariant expected) {
  if (!world.violation) return "";
  EXPECT_EQ(world.violation->invariant, expected);
  return world.violation->text;
}

}  // namespace jeton::sim
