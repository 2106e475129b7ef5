#include "tests/sim/memory_invariants.hpp"

#include <algorithm>

namespace jeton::sim {
namespace {

constexpr Duration time_between_looks = std::chrono::seconds(3);

// systemd/README.md, "Redis": "These keys are in Redis, each with an expiry: `jeton:{NAME}:updater` (the lock),
// `:token`, `:fence`, `:pause`, `:resume`, `:budget`". agent/README.md: `jeton:{NAME~revocation}:*`, "the same keys for
// the revocation of a token"; `jeton:lock:{NAME}`, `:fence`, `:info`.
constexpr std::size_t keys_of_a_token = 6;
constexpr std::size_t keys_of_a_lock = 3;
// agent/README.md, "Channels": those of the token, of its revocations and of the lock, and the keys that were lost.
constexpr std::size_t channels_of_a_token = 2;
constexpr std::size_t other_channels = 2;

// agent/fleet/redis/redis_server.hpp: "one connection for commands and one for messages"; the lock store of the
// simulation has two of its own. And one of each is about to end when the next is made.
constexpr std::size_t connections_allowed = 8;

// Of one run of an agent. A run that has crashed still waits for what it was in the middle of.
constexpr std::size_t timers_allowed = 80;
constexpr std::size_t timers_allowed_a_server = 30;
constexpr std::size_t timers_allowed_a_user = 20;
constexpr std::size_t timers_allowed_a_token = 20;  // beside the first

}  // namespace

void MemoryInvariants::each_turn() {
  if (world_.now() < looked_at_ + time_between_looks) return;
  looked_at_ = world_.now();
  for (std::size_t host = 0; host < world_.plan.hosts; ++host) look_at_host(host);
  for (std::size_t server = 0; server < world_.plan.servers; ++server) look_at_server(server);
}

void MemoryInvariants::look_at_host(std::size_t host) {
  const std::size_t runs = std::max<std::size_t>(world_.fleet.runs_of(host), 1);
  const std::size_t timers = world_.fleet.timers_of(host).pending();
  most_.timers = std::max<std::uint64_t>(most_.timers, timers / runs);
  const Plan& plan = world_.plan;
  const std::size_t allowed = timers_allowed + plan.servers * timers_allowed_a_server +
                              plan.lock_users * timers_allowed_a_user + (plan.tokens - 1) * timers_allowed_a_token;
  if (timers > runs * allowed) {
    world_.fail(Invariant::bounded_memory, host_name(host) + " waits for " + std::to_string(timers) + " times at once");
  }
  for (std::size_t server = 0; server < world_.plan.servers; ++server) {
    const std::size_t connections = world_.fleet.connections(host, server);
    most_.connections = std::max<std::uint64_t>(most_.connections, connections);
    if (connections <= connections_allowed) continue;
    world_.fail(Invariant::bounded_memory,
                host_name(host) + " has " + std::to_string(connections) + " connections to " + server_name(server));
  }
}

void MemoryInvariants::look_at_server(std::size_t server) {
  const Plan& plan = world_.plan;
  const std::size_t keys_allowed =
      keys_of_a_token * plan.tokens * (plan.revokes ? 2 : 1) + (plan.lock_users > 0 ? keys_of_a_lock : 0);
  const std::size_t keys = world_.fleet.server(server).keys().size();
  most_.keys = std::max<std::uint64_t>(most_.keys, keys);
  if (keys > keys_allowed) {
    world_.fail(Invariant::bounded_memory, server_name(server) + " has " + std::to_string(keys) + " keys, of " +
                                               std::to_string(keys_allowed) + " that the pages list");
  }
  for (const auto& [id, session] : world_.fleet.server(server).sessions()) {
    if (session->channels.size() <= channels_of_a_token * plan.tokens + other_channels) continue;
    world_.fail(Invariant::bounded_memory, session->client + " listens to " + std::to_string(session->channels.size()) +
                                               " channels of " + server_name(server));
  }
}

}  // namespace jeton::sim
