// RefreshTiming: computes when the next refresh may be tried, from the schedule, the requests and the blocks (claims,
// pauses, budget).
//
// State without I/O: it asks the other parts. One thread: the loop's.
#pragma once

#include <string>

#include "agent/provider/source.hpp"
#include "agent/refresh/fleet_view.hpp"
#include "agent/refresh/refresh_request.hpp"
#include "agent/refresh/standalone_fetch.hpp"

namespace jeton::agent {

class RefreshTiming {
 public:
  // All outlive the object.
  struct Parts {
    const Clock& clock;
    Random& random;
    const CurrentToken& current;
    const RefreshRequest& request;
    const FleetView& fleet;
    const Outage& outage;
    const StandaloneFetch* standalone;  // null: this host fetches by the coordinator only
    const TokenValues* tokens;          // for a source that uses another token
  };
  RefreshTiming(const TokenConfig& config, Parts parts) : config_(config), parts_(parts) {}

  // Draws the delay of hosts without a valid token again: this host has lost or got one.
  void draw_cold_start_delay();

  // The time by the schedule or a request, without the blocks.
  [[nodiscard]] BootTime scheduled_at() const;
  // The time from which a refresh may be tried through the fleet, and that for a standalone refresh of this host.
  [[nodiscard]] BootTime due_at() const;
  [[nodiscard]] BootTime standalone_at() const;
  [[nodiscard]] bool is_requested() const { return parts_.request.is_open(parts_.current.generation()); }
  // The token that the source uses and that is not valid now; empty: a fetch can succeed.
  [[nodiscard]] std::string missing_prerequisite() const;
  [[nodiscard]] RefreshPhase phase() const;
  // The answer for the caller of a request. A budget that a message reports as spent delays it until the next read of
  // the store.
  [[nodiscard]] RefreshAnswer answer(BootTime next_look) const;

 private:
  [[nodiscard]] BootTime blocked_until() const;
  [[nodiscard]] std::string reason_of(BootTime due, BootTime budget_spent_until) const;

  const TokenConfig& config_;
  Parts parts_;
  BootTime missing_due_{};  // without a valid token: a few milliseconds after the loss
};

}  // namespace jeton::agent
