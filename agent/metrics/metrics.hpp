// The metrics of an agent as the page that a Prometheus scrapes. Gauges are computed from the status at the moment of
// the scrape; counters are the tallies that the parts of the agent keep. systemd/README.md has the table of the
// families, and a test compares it with this page.
//
// Cardinality: a fixed number of series for the host, and some for each token, whose label is its name; those of its
// outputs, added up, also have an outcome. No name of a lock, path, user or error is a label: clients and providers
// choose those. No secret.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/agent_facade.hpp"
#include "agent/api/response.hpp"
#include "agent/base/tally.hpp"
#include "agent/base/timers.hpp"
#include "agent/locks/lock_session.hpp"
#include "agent/refresh/refresh_tally.hpp"

namespace jeton::agent {

// A server of the API: "socket", or "listen" for agent.listen.
struct ServerFigures {
  std::string_view name;
  ApiTally tally;
  std::size_t connections = 0;
};

// The data of one scrape.
struct MetricsInput {
  AgentStatus status;
  std::optional<ConnectionTally> connections{};  // none: the coordinator has no connections
  RefreshTally refreshes{};
  LockTally locks{};
  DurationTally loop_lag{};
  std::size_t timers = 0;
  std::vector<ServerFigures> servers{};
};

// `accept`: the header, which chooses between the text format of Prometheus and OpenMetrics. Gives the loop its turns:
// the text of a thousand tokens takes longer than one should. `timers` outlives the task.
[[nodiscard]] Task<MetricsPage> metrics_page(Timers& timers, MetricsInput input, std::string accept);

}  // namespace jeton::agent
