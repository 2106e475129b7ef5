#include "agent/metrics/exposition.hpp"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <limits>

namespace jeton::agent {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Format = Exposition::Format;

TEST(ExpositionFormat, AcceptIsWhatAPrometheusSends_IsOpenMetrics) {
  EXPECT_EQ(Exposition::format_for("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                                   "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            Format::open_metrics);
  EXPECT_EQ(Exposition::format_for("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                                   "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4"),
            Format::open_metrics);
  EXPECT_EQ(Exposition::format_for("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=1"), Format::open_metrics);
  EXPECT_EQ(Exposition::format_for("application/openmetrics-text"), Format::open_metrics);
  EXPECT_EQ(Exposition::format_for("application/openmetrics-text; version=\"1.0.0\""), Format::open_metrics);
}

TEST(ExpositionFormat, OpenMetricsIsNotWantedOrLessSo_IsText) {
  for (const char* accept :
       {"", "*/*", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/plain;version=0.0.4;q=1",
        "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;q=0", "application/openmetrics-text;q=x",
        "text/plain,application/openmetrics-text;q=0.5", ",;,;;q=", "application/openmetrics-textual"}) {
    EXPECT_EQ(Exposition::format_for(accept), Format::text) << accept;
  }
}

std::string text_of(Format format, const MetricFamily& family) {
  Exposition exposition(format);
  exposition.add(family);
  return exposition.finish();
}

MetricFamily counter() {
  ClientMetric metric;
  metric.counter.value = 3;
  metric.label = {{"token", "a\"b\\c\nd"}};
  return {"jeton_calls_total", "Calls.", MetricType::Counter, {metric}};
}

TEST(Exposition, FamilyIsACounter_HasNoTotalInOpenMetrics) {
  EXPECT_EQ(text_of(Format::open_metrics, counter()),
            "# TYPE jeton_calls counter\n# HELP jeton_calls Calls.\n"
            "jeton_calls_total{token=\"a\\\"b\\\\c\\nd\"} 3\n# EOF\n");
  EXPECT_EQ(text_of(Format::text, counter()),
            "# HELP jeton_calls_total Calls.\n# TYPE jeton_calls_total counter\n"
            "jeton_calls_total{token=\"a\\\"b\\\\c\\nd\"} 3\n");
}

TEST(Exposition, FamilyIsAHistogram_LimitsAreTheSameInBothFormats) {
  ClientMetric metric;
  metric.histogram.bucket = {{1, 0.0005}, {2, 0.1}, {3, 1800}};
  metric.histogram.sample_count = 4;
  metric.histogram.sample_sum = 2000.5;
  const MetricFamily family{"jeton_wait_seconds", "Waits.", MetricType::Histogram, {metric}};
  const std::string open_metrics = text_of(Format::open_metrics, family);
  EXPECT_EQ(open_metrics,
            "# TYPE jeton_wait_seconds histogram\n# UNIT jeton_wait_seconds seconds\n# HELP jeton_wait_seconds Waits.\n"
            "jeton_wait_seconds_bucket{le=\"0.0005\"} 1\njeton_wait_seconds_bucket{le=\"0.1\"} 2\n"
            "jeton_wait_seconds_bucket{le=\"1800\"} 3\njeton_wait_seconds_bucket{le=\"+Inf\"} 4\n"
            "jeton_wait_seconds_count 4\njeton_wait_seconds_sum 2000.5\n# EOF\n");
  const std::string text = text_of(Format::text, family);
  for (const char* bucket : {"{le=\"0.0005\"} 1\n", "{le=\"0.1\"} 2\n", "{le=\"1800\"} 3\n", "{le=\"+Inf\"} 4\n"}) {
    EXPECT_NE(text.find(bucket), std::string::npos) << bucket << text;
  }
}

TEST(Exposition, ValuesAreLargeSmallOrNoNumbers_AreWrittenInFull) {
  MetricFamily family{"jeton_x", "X.", MetricType::Gauge, {}};
  for (const double value : {1795000000000123.0, -0.25, 0.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    ClientMetric metric;
    metric.gauge.value = value;
    family.metric.push_back(metric);
  }
  EXPECT_EQ(text_of(Format::open_metrics, family),
            "# TYPE jeton_x gauge\n# HELP jeton_x X.\njeton_x 1795000000000123\njeton_x -0.25\njeton_x 0\n"
            "jeton_x +Inf\njeton_x NaN\n# EOF\n");
}

TEST(Exposition, FamilyHasNoSample_IsLeftOut) {
  const MetricFamily empty{"jeton_x", "X.", MetricType::Gauge, {}};
  EXPECT_EQ(text_of(Format::open_metrics, empty), "# EOF\n");
  EXPECT_EQ(text_of(Format::text, empty), "");
}

}  // namespace
}  // namespace jeton::agent
