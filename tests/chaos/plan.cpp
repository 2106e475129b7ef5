#include "tests/chaos/plan.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <utility>

#include "tests/support/dice.hpp"

namespace jeton::chaos {
namespace {

using test::Dice;

using Backends = unsigned;  // bits
constexpr Backends bit(Backend backend) { return 1U << static_cast<unsigned>(backend); }
constexpr Backends every = ~0U;
constexpr Backends with_replicas = bit(Backend::sentinel) | bit(Backend::cluster);

// Two faults of one resource do not overlap.
enum class Resource : std::uint8_t { agent, server, replication, sentinel, link, provider, client, log, clock };

struct FaultInfo {
  FaultKind kind;
  const char* name;
  Resource resource;
  milliseconds shortest;
  milliseconds longest;
  Backends backends = every;
  bool needs_rights = false;  // of root
  bool unnoticed = false;     // goes on in the calm time
};

// Longer than a lock lasts (client_main.cpp): "keep one that lost its data away for longer than `lock.ttl`"
// (systemd/README.md).
constexpr milliseconds longer_than_a_lock{5'000};

constexpr std::array kinds{
    FaultInfo{FaultKind::agent_kill, "agent_kill", Resource::agent, milliseconds(0), milliseconds(6'000)},
    FaultInfo{FaultKind::agent_restart, "agent_restart", Resource::agent, milliseconds(0), milliseconds(2'000)},
    FaultInfo{FaultKind::agent_pause, "agent_pause", Resource::agent, milliseconds(100), milliseconds(7'000)},
    FaultInfo{FaultKind::redis_pause, "redis_pause", Resource::server, milliseconds(100), milliseconds(6'000)},
    FaultInfo{FaultKind::redis_restart_empty, "redis_restart_empty", Resource::server, milliseconds(0),
              milliseconds(5'000)},
    // No operator empties a server of a quorum while it serves; a replica cannot be emptied.
    FaultInfo{FaultKind::redis_flush, "redis_flush", Resource::server, milliseconds(0), milliseconds(0),
              bit(Backend::redis)},
    FaultInfo{FaultKind::redis_refuses, "redis_refuses", Resource::server, milliseconds(500), milliseconds(6'000)},
    FaultInfo{FaultKind::replication_held, "replication_held", Resource::replication, milliseconds(500),
              milliseconds(8'000), with_replicas},
    FaultInfo{FaultKind::sentinel_pause, "sentinel_pause", Resource::sentinel, milliseconds(500), milliseconds(8'000),
              bit(Backend::sentinel)},
    FaultInfo{FaultKind::network_cut, "network_cut", Resource::link, milliseconds(0), milliseconds(6'000)},
    FaultInfo{FaultKind::network_deaf, "network_deaf", Resource::link, milliseconds(200), milliseconds(6'000)},
    FaultInfo{FaultKind::network_held, "network_held", Resource::link, milliseconds(50), milliseconds(5'000)},
    FaultInfo{FaultKind::network_slow, "network_slow", Resource::link, milliseconds(500), milliseconds(8'000)},
    FaultInfo{FaultKind::provider_failure, "provider_failure", Resource::provider, milliseconds(500),
              milliseconds(6'000)},
    FaultInfo{FaultKind::provider_refusal, "provider_refusal", Resource::provider, milliseconds(500),
              milliseconds(4'000)},
    FaultInfo{FaultKind::provider_retry_after, "provider_retry_after", Resource::provider, milliseconds(500),
              milliseconds(5'000)},
    FaultInfo{FaultKind::provider_nonsense, "provider_nonsense", Resource::provider, milliseconds(500),
              milliseconds(5'000)},
    FaultInfo{FaultKind::provider_hang, "provider_hang", Resource::provider, milliseconds(500), milliseconds(5'000)},
    FaultInfo{FaultKind::provider_slow, "provider_slow", Resource::provider, milliseconds(500), milliseconds(8'000)},
    FaultInfo{FaultKind::provider_breaks_off, "provider_breaks_off", Resource::provider, milliseconds(500),
              milliseconds(6'000)},
    FaultInfo{FaultKind::client_kill, "client_kill", Resource::client, milliseconds(0), milliseconds(1'000)},
    FaultInfo{FaultKind::client_pause, "client_pause", Resource::client, milliseconds(100), milliseconds(7'000)},
    FaultInfo{FaultKind::provider_away, "provider_away", Resource::provider, milliseconds(500), milliseconds(6'000)},
    FaultInfo{FaultKind::agent_descriptors, "agent_descriptors", Resource::agent, milliseconds(500),
              milliseconds(6'000), every, true},
    FaultInfo{FaultKind::agent_log_hangs, "agent_log_hangs", Resource::log, milliseconds(5'000), milliseconds(40'000),
              every, false, true},
    // With the agent's other faults: "an agent cannot start" (systemd/README.md, "`/run` full").
    FaultInfo{FaultKind::agent_disk_full, "agent_disk_full", Resource::agent, milliseconds(5'000), milliseconds(40'000),
              every, true, true},
    FaultInfo{FaultKind::agent_memory, "agent_memory", Resource::agent, milliseconds(500), milliseconds(6'000)},
    FaultInfo{FaultKind::clock_forth, "clock_forth", Resource::clock, milliseconds(500), milliseconds(8'000)},
    FaultInfo{FaultKind::clock_back, "clock_back", Resource::clock, milliseconds(500), milliseconds(8'000)},
};

const FaultInfo& info(FaultKind kind) {
  return *std::find_if(kinds.begin(), kinds.end(), [&](const FaultInfo& each) { return each.kind == kind; });
}

milliseconds between(milliseconds shortest, milliseconds longest, Dice& dice) {
  return shortest +
         milliseconds(static_cast<std::int64_t>(static_cast<double>((longest - shortest).count()) * dice.uniform()));
}

std::size_t targets(Resource resource, const Shape& shape) {
  switch (resource) {
    case Resource::agent:
    case Resource::log:
    case Resource::clock:
      return hosts;
    case Resource::server:
      return shape.servers;
    case Resource::sentinel:
      return shape.sentinels;
    case Resource::link:
      return shape.links;
    case Resource::client:
      return hosts * clients_of_a_host;
    case Resource::provider:
    case Resource::replication:
      break;
  }
  return 1;
}

milliseconds length_of(const FaultInfo& kind, const Shape& shape, Dice& dice) {
  const milliseconds length = between(kind.shortest, kind.longest, dice);
  const bool of_a_quorum = kind.kind == FaultKind::redis_restart_empty && shape.backend == Backend::redlock;
  return of_a_quorum ? longer_than_a_lock + length : length;
}

Episode draw_episode(const Shape& shape, Dice& dice) {
  Episode drawn;
  for (const FaultInfo& kind : kinds) {
    if (dice.uniform() > 0.45 || (kind.backends & bit(shape.backend)) == 0) continue;
    const milliseconds mean = between(milliseconds(4'000), milliseconds(15'000), dice);
    const milliseconds last_end = kind.unnoticed ? episode_length : faults_end;
    for (milliseconds at = between(milliseconds(0), mean, dice); at < faults_end;
         at += between(milliseconds(200), 2 * mean, dice)) {
      const milliseconds length = length_of(kind, shape, dice);
      const std::size_t target = dice.below(targets(kind.resource, shape));
      if (at + length <= last_end) drawn.push_back({at, kind.kind, target, length});
    }
  }
  std::stable_sort(drawn.begin(), drawn.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  std::map<std::pair<Resource, std::size_t>, milliseconds> free_at;
  std::erase_if(drawn, [&](const Fault& fault) {
    milliseconds& free = free_at[{info(fault.kind).resource, fault.target}];
    if (fault.at < free) return true;
    free = fault.at + fault.length + milliseconds(100);
    return false;
  });
  return drawn;
}

}  // namespace

const char* name_of(FaultKind kind) { return info(kind).name; }

const Shape& shape_of(const std::string& backend) {
  const auto* const found =
      std::find_if(shapes.begin(), shapes.end(), [&](const Shape& each) { return each.name == backend; });
  if (found == shapes.end()) throw std::invalid_argument("unknown backend " + backend);
  return *found;
}

std::vector<Episode> make_plan(std::uint64_t seed, const Shape& shape, std::size_t episodes, bool rights) {
  Dice dice(seed);
  std::vector<Episode> plan;
  for (std::size_t i = 0; i < episodes; ++i) {
    // Drawn first: those that are left are the same ones with the rights and without.
    Episode& episode = plan.emplace_back(draw_episode(shape, dice));
    std::erase_if(episode, [&](const Fault& fault) { return !rights && info(fault.kind).needs_rights; });
  }
  return plan;
}

}  // namespace jeton::chaos
