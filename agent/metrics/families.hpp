// The families of metrics of the host, and the maker of samples for all families. Private to this folder.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "agent/metrics/metrics.hpp"

namespace prometheus {
struct ClientMetric;
struct MetricFamily;
enum class MetricType;
}  // namespace prometheus

namespace jeton::agent {

using SampleLabels = std::vector<std::pair<const char*, std::string>>;

[[nodiscard]] inline double in_seconds(std::chrono::duration<double> duration) { return duration.count(); }

// Of a counter or a gauge.
[[nodiscard]] prometheus::ClientMetric sample(prometheus::MetricType type, double value, SampleLabels labels = {});

// Refreshes, coordinator, locks, local API, loop, process. Their number of series does not depend on the number of
// tokens. Those of locks only if the configuration has rules for them, those of connections only if the coordinator has
// any.
[[nodiscard]] std::vector<prometheus::MetricFamily> host_families(const MetricsInput& input);

}  // namespace jeton::agent
