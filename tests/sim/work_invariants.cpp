#include <algorithm>

#include "tests/sim/invariants.hpp"

namespace jeton::sim {
namespace {

constexpr Duration time_of_looking = std::chrono::seconds(10);
// Of one agent to one server in that time. The most that were seen in calm runs is some 10, in all faults some 100.
constexpr std::uint64_t commands_allowed = 300;
// And for each user of a lock: an attempt, its end and a look, each a few times a second at most.
constexpr std::uint64_t commands_allowed_a_user = 40;
// Of one agent for each server; every message and timer is one.
constexpr std::uint64_t turns_allowed = 3'000;

}  // namespace

// Nobody spins: the work of an agent is bounded, whatever fails (systemd/README.md: "each agent tries again every 0.25
// to 2 s").
void WorkInvariants::each_turn() {
  ++turns_;
  if (world_.now() < looked_at_ + time_of_looking) return;
  std::uint64_t commands = 0;
  for (std::size_t i = 0; i < world_.plan.servers; ++i) commands += world_.fleet.server(i).commands();
  const auto share = world_.plan.hosts * std::max<std::size_t>(world_.plan.servers, 1);
  const bool late = world_.now() >= looked_at_ + 2 * time_of_looking;  // the loop had nothing to do meanwhile
  const std::uint64_t commands_each = (commands - commands_then_) / share;
  const std::uint64_t turns_each = (turns_ - turns_then_) / share;
  if (!late) {
    most_commands_ = std::max(most_commands_, commands_each);
    most_turns_ = std::max(most_turns_, turns_each);
  }
  if (commands_each > commands_allowed + world_.plan.lock_users * commands_allowed_a_user) {
    world_.fail(Invariant::bounded_work, std::to_string(commands_each) + " commands of an agent to a server in " +
                                             seconds_text(world_.now() - looked_at_));
  }
  if (turns_each > turns_allowed) {
    world_.fail(Invariant::bounded_work, std::to_string(turns_each) + " turns of the loop for an agent in " +
                                             seconds_text(world_.now() - looked_at_));
  }
  looked_at_ = world_.now();
  commands_then_ = commands;
  turns_then_ = turns_;
}

}  // namespace jeton::sim
