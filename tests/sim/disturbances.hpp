// Disturbances: when a fault was in effect that suspends a promise. A quorum bears the loss of a minority, so faults
// of single servers suspend nothing until they are of so many that no majority is left undisturbed.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tests/sim/plan.hpp"

namespace jeton::sim {

class Disturbances {
 public:
  explicit Disturbances(const Plan& plan)
      : servers_(plan.servers), linger_(std::max(plan.lock_ttl, plan.lock_user_ttl) + std::chrono::seconds(5)) {}

  void begin(const Fault& fault, agent::BootTime now) { episodes_.push_back({fault.kind, fault.target, now, {}}); }
  void end(const Fault& fault, agent::BootTime now) {
    for (Episode& episode : episodes_) {
      const bool same = episode.kind == fault.kind && episode.target == fault.target;
      if (same && !episode.ended_at) episode.ended_at = now;
    }
  }

  // A lease that carries these promises has no majority any more.
  void lose_lease(InvariantSet promises, agent::BootTime now) { lost_leases_.push_back({promises, now}); }

  // No fault suspended the promise from then until now, nor just before: a lock that it left, and a host that was away,
  // need the time of a lock to settle.
  [[nodiscard]] bool calm(Invariant invariant, agent::BootTime from) const {
    for (const auto& [promises, lost_at] : lost_leases_) {
      if ((promises & bit(invariant)) != 0 && lost_at + linger_ >= from) return false;
    }
    std::set<std::size_t> disturbed;
    std::set<std::size_t> without_a_write;
    bool host_was_cut_off = false;
    for (const Episode& episode : episodes_) {
      const FaultInfo& kind = info(episode.kind);
      if (episode.ended_at && *episode.ended_at + linger_ < from) continue;
      if (kind.target == FaultInfo::Target::server && (kind.suspends & bit(Invariant::one_fetch_at_a_time)) != 0)
        without_a_write.insert(episode.target);
      if (kind.resource == Resource::way) host_was_cut_off = true;
      if ((kind.suspends & bit(invariant)) == 0) continue;
      if (kind.target != FaultInfo::Target::server) return false;
      disturbed.insert(episode.target);
    }
    // What one server of a quorum loses, another may not have: it, or the host that wrote it, was away then.
    if (!disturbed.empty() && host_was_cut_off) return false;
    const std::size_t gone = disturbed.empty() ? 0 : without_a_write.size();
    return std::max(disturbed.size(), gone) <= (servers_ == 0 ? 0 : (servers_ - 1) / 2);
  }

  // Around the loss of data there was no other fault that matters for the repair of a store: the agents that knew the
  // lost data were running and could give it back. For a minute they may not know that their connection for messages is
  // dead.
  [[nodiscard]] bool could_be_repaired(agent::BootTime lost_at) const {
    constexpr Duration around = std::chrono::seconds(65);
    return std::none_of(episodes_.begin(), episodes_.end(), [&](const Episode& episode) {
      const bool then =
          episode.began_at < lost_at + around && (!episode.ended_at || *episode.ended_at + around > lost_at);
      return then && hinders_repair(episode, lost_at);
    });
  }

 private:
  struct Episode {
    FaultKind kind{};
    std::size_t target = 0;
    agent::BootTime began_at{};
    std::optional<agent::BootTime> ended_at{};
  };

  static bool hinders_repair(const Episode& episode, agent::BootTime lost_at) {
    switch (info(episode.kind).resource) {
      case Resource::agent:
      case Resource::server_clock:
      case Resource::writes:
      case Resource::way:
      case Resource::server_way:
      case Resource::latency:
      case Resource::script_time:
      case Resource::messages:
        return true;
      case Resource::server:
        // And a second loss before the first one is repaired.
        if (episode.kind == FaultKind::failover) return episode.ended_at != lost_at;
        return episode.kind != FaultKind::server_killed || episode.began_at != lost_at;
      case Resource::none:
        return (episode.kind == FaultKind::flushed || episode.kind == FaultKind::key_evicted) &&
               episode.began_at != lost_at;
      default:
        return false;
    }
  }

  std::size_t servers_;
  Duration linger_;
  std::vector<Episode> episodes_;
  std::vector<std::pair<InvariantSet, agent::BootTime>> lost_leases_;
};

}  // namespace jeton::sim
