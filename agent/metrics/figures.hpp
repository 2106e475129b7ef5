// Small makers of samples, for the families. Private to this folder.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/tally.hpp"

namespace prometheus {
struct ClientMetric;
enum class MetricType;
}  // namespace prometheus

namespace jeton::agent {

using SampleLabels = std::vector<std::pair<const char*, std::string>>;

[[nodiscard]] inline double in_seconds(std::chrono::duration<double> duration) { return duration.count(); }

// Of a counter or a gauge.
[[nodiscard]] prometheus::ClientMetric sample(prometheus::MetricType type, double value, SampleLabels labels = {});
// Of a histogram, in seconds.
[[nodiscard]] prometheus::ClientMetric sample(const DurationTally& tally, SampleLabels labels = {});

}  // namespace jeton::agent
