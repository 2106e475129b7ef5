// The faults of a run, all drawn from one seed. A run has episodes of a minute: faults, then a calm time in which all
// must recover. Each episode draws some of the kinds, so that kinds meet in changing company (swarm testing).
// A fault that nobody may notice goes on in the calm time.
#pragma once

#include <array>
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
  replication_held,
  sentinel_pause,
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
  agent_descriptors,
  agent_log_hangs,
  agent_disk_full,
  agent_memory,
  clock_forth,
  clock_back,
};

enum class Backend : std::uint8_t { redis, redlock, sentinel, cluster };

struct Shape {
  Backend backend{};
  const char* name = "";
  std::size_t servers = 0;
  std::size_t links = 0;  // ways of one host to one server; where servers name each other, ways of all to one server
  std::size_t sentinels = 0;
};
inline constexpr std::array shapes{
    Shape{Backend::redis, "redis", 1, hosts, 0},
    Shape{Backend::redlock, "redlock", 5, hosts * 5, 0},
    Shape{Backend::sentinel, "sentinel", 3, 3, 3},
    Shape{Backend::cluster, "cluster", 6, 6, 0},
};
[[nodiscard]] const Shape& shape_of(const std::string& backend);  // throws std::invalid_argument

struct Fault {
  milliseconds at{};  // since the beginning of its episode
  FaultKind kind{};
  std::size_t target = 0;  // a link of one host: host * servers + server
  milliseconds length{};
};

[[nodiscard]] const char* name_of(FaultKind kind);

using Episode = std::vector<Fault>;  // in the order of their beginnings

// `rights`: whether it has the kinds that need those of root.
[[nodiscard]] std::vector<Episode> make_plan(std::uint64_t seed, const Shape& shape, std::size_t episodes, bool rights);

}  // namespace jeton::chaos
