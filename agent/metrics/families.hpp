// The families of metrics, each made of what is known at the moment of a scrape.
#pragma once

#include <cstddef>
#include <vector>

#include "agent/metrics/metrics.hpp"

namespace prometheus {
struct MetricFamily;
}

namespace jeton::agent {

// Of the host as a whole: refreshes, coordinator, locks, local API, loop, process. Their number of series does not
// depend on the number of tokens. Those of locks only if the configuration has rules for them, those of connections
// only if the coordinator has any.
[[nodiscard]] std::vector<prometheus::MetricFamily> host_families(const MetricsInput& input);

// With a series for each token, whose label is `token`, or two by outcome; one family at a time, so that the loop has
// its turns in between. Without the tokens that have no such figure, such as those without a budget or outputs.
[[nodiscard]] std::size_t token_family_count();
[[nodiscard]] prometheus::MetricFamily token_family(std::size_t index, const AgentStatus& status);

}  // namespace jeton::agent
