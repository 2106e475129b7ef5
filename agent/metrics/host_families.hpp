// The families of metrics of the host as a whole: refreshes, coordinator, locks, local API, loop, process. Their number
// of series does not depend on the number of tokens.
#pragma once

#include <vector>

#include "agent/metrics/metrics.hpp"

namespace prometheus {
struct MetricFamily;
}

namespace jeton::agent {

// Of locks only if the configuration has rules for them, of connections only if the coordinator has any.
[[nodiscard]] std::vector<prometheus::MetricFamily> host_families(const MetricsInput& input);

}  // namespace jeton::agent
