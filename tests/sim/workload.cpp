#include "tests/sim/workload.hpp"

#include <stdexcept>

namespace jeton::sim {

Plan workload_plan(const Workload& workload) {
  if (workload.agents == 0 || workload.tokens == 0 || workload.rotations == 0) {
    throw std::invalid_argument("a workload has at least one agent, one token and one rotation");
  }
  if (workload.lifetime < std::chrono::minutes(1)) {
    throw std::invalid_argument("the tokens of a workload live for a minute at least");
  }
  Plan plan;
  plan.seed = workload.seed;
  plan.hosts = workload.agents;
  plan.tokens = workload.tokens;
  plan.backend = Backend::redis;
  plan.servers = 1;
  plan.lifetime = workload.lifetime;
  plan.answer_time = std::chrono::milliseconds(200);
  plan.lock_users = workload.lock_users;
  plan.lock_user_ttl = std::chrono::seconds(3);
  // One token more comes in the calm at the end.
  plan.length = static_cast<Duration::rep>(workload.rotations - 1) * Duration(plan.lifetime);
  return plan;
}

}  // namespace jeton::sim
