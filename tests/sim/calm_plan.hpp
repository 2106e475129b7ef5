// The plan of a fleet of two hosts without faults, for tests of the invariants.
#pragma once

#include "tests/sim/plan.hpp"

namespace jeton::sim {

[[nodiscard]] inline Plan calm_plan(Backend backend = Backend::redis) {
  Plan plan;
  plan.seed = 1;
  plan.hosts = 2;
  plan.backend = backend;
  plan.servers = backend == Backend::local ? 0 : backend == Backend::redis ? 1 : 3;
  plan.lifetime = std::chrono::seconds(60);
  plan.answer_time = std::chrono::milliseconds(100);
  plan.length = std::chrono::seconds(90);
  return plan;
}

}  // namespace jeton::sim
