// World: a plan, its fleet, and what both the faults and the invariants have to know of the run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/disturbances.hpp"
#include "tests/sim/timeline.hpp"
#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::sim {

using agent::BootTime;

struct Violation {
  Invariant invariant{};
  Duration at{};
  std::string text;
};

// From the admission of a call, by the time of the store, until the provider has it: no answer to a command is waited
// for longer than its timeout.
constexpr Duration way_of_a_call = std::chrono::milliseconds(600);

struct World {
  World(const Plan& p, test::VirtualFleet& f, std::ostream* live)
      : plan(p),
        fleet(f),
        timeline(live),
        disturbances(p),
        began_at(f.loop.clock.boot_now()),
        boots(p.hosts),
        crashed_at(p.hosts),
        losses(p.servers) {}

  [[nodiscard]] BootTime now() const { return fleet.loop.clock.boot_now(); }
  [[nodiscard]] Duration since_start() const { return now() - began_at; }
  // A host may have fetched for itself since then, because the store was out of its reach (outage.fetch_alone).
  // Whatever keeps a host from the store, or ends its agent, also suspends the pauses of the fleet.
  [[nodiscard]] bool may_fetch_alone(BootTime from) const {
    return plan.fetch_alone && !disturbances.calm(Invariant::pause_is_kept, from);
  }
  void note(const std::string& who, const std::string& what) { timeline.note(since_start(), who, what); }
  // Each host is a fleet of its own with the local backend.
  [[nodiscard]] std::size_t fleet_of(std::size_t host) const { return plan.backend == Backend::local ? host : 0; }
  // The first one counts.
  void fail(Invariant invariant, const std::string& text) {
    if (violation) return;
    violation = Violation{invariant, since_start(), text};
    note("VIOLATED", std::string(name_of(invariant)) + ": " + text);
  }

  // The agent of the host takes requests.
  [[nodiscard]] bool answers(std::size_t host) const { return fleet.runs(host) && !fleet.is_paused(host); }
  // A user of the host reports that the provider refused the token.
  void reject_token(std::size_t host) {
    if (!answers(host)) return;
    const auto& record = fleet.segments[host].record;
    refresh_wanted_at = now();
    fleet.refresh(host).rejected(record ? record->token_generation() : 0);
  }

  const Plan& plan;
  test::VirtualFleet& fleet;
  Timeline timeline;
  Disturbances disturbances;
  BootTime began_at;
  std::optional<Violation> violation;
  std::vector<std::uint64_t> boots;  // of each host: it lost its segment
  std::vector<std::optional<BootTime>> crashed_at;
  std::map<std::size_t, std::size_t> armed;   // by host: the failpoint at which its agent is killed
  std::vector<std::uint64_t> losses;          // of each server: it lost data
  std::vector<BootTime> budget_losses;        // of any server or host that counts calls
  std::optional<BootTime> refresh_wanted_at;  // by an operator or a user, the last time
  std::optional<BootTime> pause_lifted_at;    // by an operator, the last time
};

[[nodiscard]] inline std::string host_name(std::size_t host) { return "host-" + std::to_string(host); }
[[nodiscard]] inline std::size_t number_of(const std::string& host) {
  return std::stoul(host.substr(host.find('-') + 1));
}
[[nodiscard]] inline std::string server_name(std::size_t server) { return "server-" + std::to_string(server); }

}  // namespace jeton::sim
