#include "tests/chaos/plan.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "tests/support/dice.hpp"

namespace jeton::chaos {
namespace {

using test::Dice;

struct FaultInfo {
  FaultKind kind;
  const char* name;
  Resource resource;
  milliseconds shortest;
  milliseconds longest;
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
    FaultInfo{FaultKind::redis_flush, "redis_flush", Resource::server, milliseconds(0), milliseconds(0)},
    FaultInfo{FaultKind::redis_refuses, "redis_refuses", Resource::server, milliseconds(500), milliseconds(6'000)},
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
};

const FaultInfo& info(FaultKind kind) {
  return *std::find_if(kinds.begin(), kinds.end(), [&](const FaultInfo& each) { return each.kind == kind; });
}

milliseconds between(milliseconds shortest, milliseconds longest, Dice& dice) {
  return shortest +
         milliseconds(static_cast<std::int64_t>(static_cast<double>((longest - shortest).count()) * dice.uniform()));
}

std::size_t targets(Resource resource, std::size_t servers) {
  switch (resource) {
    case Resource::agent:
      return hosts;
    case Resource::server:
      return servers;
    case Resource::link:
      return hosts * servers;
    case Resource::client:
      return hosts * clients_of_a_host;
    case Resource::provider:
      break;
  }
  return 1;
}

bool befalls(const FaultInfo& kind, std::size_t servers) {
  // No operator empties a server of a quorum while it serves.
  return servers == 1 || kind.kind != FaultKind::redis_flush;
}

milliseconds length_of(const FaultInfo& kind, std::size_t servers, Dice& dice) {
  const milliseconds length = between(kind.shortest, kind.longest, dice);
  return kind.kind == FaultKind::redis_restart_empty && servers > 1 ? longer_than_a_lock + length : length;
}

Episode draw_episode(std::size_t servers, Dice& dice) {
  Episode drawn;
  for (const FaultInfo& kind : kinds) {
    if (dice.uniform() > 0.45 || !befalls(kind, servers)) continue;
    const milliseconds mean = between(milliseconds(4'000), milliseconds(15'000), dice);
    for (milliseconds at = between(milliseconds(0), mean, dice); at < faults_end;
         at += between(milliseconds(200), 2 * mean, dice)) {
      const milliseconds length = length_of(kind, servers, dice);
      const std::size_t target = dice.below(targets(kind.resource, servers));
      if (at + length <= faults_end) drawn.push_back({at, kind.kind, target, length});
    }
  }
  std::stable_sort(drawn.begin(), drawn.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  std::map<std::pair<Resource, std::size_t>, milliseconds> free_at;
  std::erase_if(drawn, [&](const Fault& fault) {
    milliseconds& free = free_at[{resource_of(fault.kind), fault.target}];
    if (fault.at < free) return true;
    free = fault.at + fault.length + milliseconds(100);
    return false;
  });
  return drawn;
}

}  // namespace

const char* name_of(FaultKind kind) { return info(kind).name; }
Resource resource_of(FaultKind kind) { return info(kind).resource; }

std::vector<Episode> make_plan(std::uint64_t seed, std::size_t servers, std::size_t episodes) {
  Dice dice(seed);
  std::vector<Episode> plan;
  for (std::size_t i = 0; i < episodes; ++i) plan.push_back(draw_episode(servers, dice));
  return plan;
}

}  // namespace jeton::chaos
