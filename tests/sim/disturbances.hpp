// Disturbances: when a fault was in effect that suspends a promise. A quorum stands the loss of a minority, so faults
// of single servers suspend nothing until they are of so many that no majority is left undisturbed.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "tests/sim/plan.hpp"

namespace jeton::sim {

class Disturbances {
 public:
  explicit Disturbances(const Plan& plan) : servers_(plan.servers), linger_(plan.lock_ttl + std::chrono::seconds(5)) {}

  void begin(const Fault& fault, agent::BootTime now) { episodes_.push_back({fault.kind, fault.target, now, {}}); }
  void end(const Fault& fault, agent::BootTime now) {
    for (Episode& episode : episodes_) {
      const bool same = episode.kind == fault.kind && episode.target == fault.target;
      if (same && !episode.ended_at) episode.ended_at = now;
    }
  }

  // No fault suspended the promise from then until now, nor just before: a lock that it left, and a host that was away,
  // need the time of a lock to settle.
  [[nodiscard]] bool calm(Invariant invariant, agent::BootTime from) const {
    std::set<std::size_t> disturbed;
    for (const Episode& episode : episodes_) {
      const FaultInfo& kind = info(episode.kind);
      const bool suspends = (kind.suspends & bit(invariant)) != 0;
      if (!suspends || (episode.ended_at && *episode.ended_at + linger_ < from)) continue;
      if (kind.target != FaultInfo::Target::server) return false;
      disturbed.insert(episode.target);
    }
    return disturbed.size() <= (servers_ == 0 ? 0 : (servers_ - 1) / 2);
  }

 private:
  struct Episode {
    FaultKind kind{};
    std::size_t target = 0;
    agent::BootTime began_at{};
    std::optional<agent::BootTime> ended_at{};
  };

  std::size_t servers_;
  Duration linger_;
  std::vector<Episode> episodes_;
};

}  // namespace jeton::sim
