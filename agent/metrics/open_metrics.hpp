// A family of metrics in the text of OpenMetrics 1.0.0; prometheus-cpp writes only the older format. What differs: a
// counter's family has no _total, only its samples have; a unit is named; quotes are escaped in the help too; the text
// ends with # EOF, which the caller adds. Numbers and limits of buckets are written as prometheus-cpp writes them, so
// that a series is the same one in both formats.
#pragma once

#include <string>

namespace prometheus {
struct MetricFamily;
}

namespace jeton::agent {

// Counters, gauges and histograms.
void append_open_metrics(std::string& out, const prometheus::MetricFamily& family);

}  // namespace jeton::agent
