#include "tests/sim/work_invariants.hpp"

#include <algorithm>
#include <utility>

namespace jeton::sim {
namespace {

constexpr Duration time_of_looking = std::chrono::seconds(10);
// In that time, of one agent to one server. The most is that of a server that answers READONLY: each agent leaves it
// and "connects again within half a second" (systemd/README.md, "Redis down"), with some ten commands; and the lock
// store, which has a connection of its own here, does so too.
constexpr std::uint64_t commands_allowed = 1'000;
// And for each user of a lock: an attempt, its end and a look, each a few times a second at most.
constexpr std::uint64_t commands_allowed_a_user = 40;
// For each token beside the first one, without a fault of a server.
constexpr std::uint64_t commands_allowed_a_token = 40;
// Of one agent, for all its servers and each of them; an answer, a message, and a time that it waits for are one each.
constexpr std::uint64_t waits_allowed = 3'000;
constexpr std::uint64_t waits_allowed_a_server = 1'000;
constexpr std::uint64_t waits_allowed_a_user = 400;
constexpr std::uint64_t waits_allowed_a_token = 400;
// Turns of the loop for each agent and server: bytes on their way in the network need one, too.
constexpr std::uint64_t turns_allowed = 3'000;
constexpr std::uint64_t turns_allowed_more = 200;  // for each token beside the first one, and each user above a few
constexpr std::size_t few_users = 6;               // as many as a seed draws

}  // namespace

WorkInvariants::WorkInvariants(World& world) : world_(world), looked_at_(world.now()), hosts_(world.plan.hosts) {
  for (Seen& host : hosts_) host.commands.resize(world.plan.servers);
}

// The work of an agent is bounded, whatever fails (systemd/README.md: "each agent connects again within half a second,
// after 30 s about every second").
void WorkInvariants::each_turn() {
  ++turns_;
  if (world_.now() < looked_at_ + time_of_looking) return;
  const bool late = world_.now() >= looked_at_ + 2 * time_of_looking;  // the loop had nothing to do meanwhile
  MostWork now;
  for (std::size_t host = 0; host < hosts_.size(); ++host) look_at_host(host, now);
  now.turns = (turns_ - std::exchange(turns_then_, turns_)) /
              (world_.plan.hosts * std::max<std::size_t>(world_.plan.servers, 1));
  const std::size_t more = world_.plan.tokens - 1 + std::max(world_.plan.lock_users, few_users) - few_users;
  if (now.turns > turns_allowed + more * turns_allowed_more) {
    world_.fail(Invariant::bounded_work, std::to_string(now.turns) + " turns of the loop for an agent in " +
                                             seconds_text(world_.now() - looked_at_));
  }
  if (!late) most_.raise_to(now);
  looked_at_ = world_.now();
}

void WorkInvariants::look_at_host(std::size_t host, MostWork& now) {
  Seen& seen = hosts_[host];
  const std::size_t users = lock_users_on(host);
  const std::size_t tokens = world_.plan.tokens - 1;
  for (std::size_t server = 0; server < seen.commands.size(); ++server) {
    const std::uint64_t all = world_.fleet.commands(host, server);
    const std::uint64_t commands = all - std::exchange(seen.commands[server], all);
    now.commands = std::max(now.commands, commands);
    const std::uint64_t at_most =
        commands_allowed + users * commands_allowed_a_user + tokens * commands_allowed_a_token;
    if (commands <= at_most) continue;
    world_.fail(Invariant::bounded_work, std::to_string(commands) + " commands of " + host_name(host) + " to " +
                                             server_name(server) + " in " + seconds_text(world_.now() - looked_at_));
  }
  const std::uint64_t all = world_.fleet.timers_of(host).scheduled();
  const std::uint64_t waits = all - std::exchange(seen.waits, all);
  now.waits = std::max(now.waits, waits);
  const std::uint64_t allowed = waits_allowed + seen.commands.size() * waits_allowed_a_server +
                                users * waits_allowed_a_user + tokens * waits_allowed_a_token;
  if (waits <= allowed) return;
  world_.fail(Invariant::bounded_work, host_name(host) + " began to wait " + std::to_string(waits) + " times in " +
                                           seconds_text(world_.now() - looked_at_));
}

// As lock_users.cpp divides them.
std::size_t WorkInvariants::lock_users_on(std::size_t host) const {
  const std::size_t hosts = world_.plan.hosts;
  return world_.plan.lock_users / hosts + (host < world_.plan.lock_users % hosts ? 1 : 0);
}

}  // namespace jeton::sim
