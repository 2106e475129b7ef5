#include "agent/metrics/figures.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

namespace jeton::agent {
namespace {

prometheus::ClientMetric labelled(SampleLabels labels) {
  prometheus::ClientMetric metric;
  metric.label.reserve(labels.size());
  for (auto& [name, value] : labels) metric.label.push_back({name, std::move(value)});
  return metric;
}

}  // namespace

prometheus::ClientMetric sample(prometheus::MetricType type, double value, SampleLabels labels) {
  prometheus::ClientMetric metric = labelled(std::move(labels));
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

prometheus::ClientMetric sample(const DurationTally& tally, SampleLabels labels) {
  prometheus::ClientMetric metric = labelled(std::move(labels));
  metric.histogram.bucket.reserve(DurationTally::limits.size());
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < DurationTally::limits.size(); ++i) {
    count += tally.counts()[i];
    metric.histogram.bucket.push_back({count, in_seconds(DurationTally::limits[i])});
  }
  metric.histogram.sample_count = count + tally.counts().back();
  metric.histogram.sample_sum = in_seconds(tally.sum());
  return metric;
}

}  // namespace jeton::agent
