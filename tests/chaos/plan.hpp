// The faults of a run, all drawn from one seed. A run has episodes of a minute: faults, then a calm time in which all
// must recover. Each episode draws some of the kinds, so that kinds meet in changing company (swarm testing).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace jeton::chaos {

using std::chrono::milliseconds;

inline constexpr std::size_t hosts = 3;
inline constexpr std::size_t clients_of_a_host = 4;
inline constexpr milliseconds episode_length{60'000};
inline constexpr milliseconds faults_end{30'000};  // in each episode; the rest is calm

enum class FaultKind : std::uint8_t {
  agent_kill,
  agent_restart,
  agent_pause,
  redis_pause,
  redis_restart_empty,
  redis_flush,
  redis_refuses,
  network_cut,
  network_deaf,
  network_held,
  network_slow,
  provider_failure,
  provider_refusal,
  provider_retry_after,
  provider_nonsense,
  provider_hang,
  provider_slow,
  provider_breaks_off,
  client_kill,
  client_pause,
  provider_away,
};

// Two faults of one resource do not overlap.
enum class Resource : std::uint8_t { agent, server, link, provider, client };

struct Fault {
  milliseconds at{};  // since the beginning of its episode
  FaultKind kind{};
  std::size_t target = 0;  // a link: host * servers + server
  milliseconds length{};
};

[[nodiscard]] const char* name_of(FaultKind kind);
[[nodiscard]] Resource resource_of(FaultKind kind);

using Episode = std::vector<Fault>;  // in the order of their beginnings

// `servers`: 1 is a single Redis, more are a quorum.
[[nodiscard]] std::vector<Episode> make_plan(std::uint64_t seed, std::size_t servers, std::size_t episodes);

}  // namespace jeton::chaos
