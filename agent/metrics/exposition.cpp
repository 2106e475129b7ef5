#include "agent/metrics/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Takes the part before `separator` out of `text`, in lower case.
std::string next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  std::string part(without_blanks(text.substr(0, end)));
  text.remove_prefix(std::min(end + 1, text.size()));
  std::transform(part.begin(), part.end(), part.begin(), ascii_lower);
  return part;
}

struct MediaRange {
  std::string type;
  std::string version{};
  double weight = 1;
};

// A value may be in quotes (RFC 9110, 5.6.6).
std::string unquoted(const std::string& text) {
  const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

MediaRange media_range(std::string_view text) {
  MediaRange range{next_part(text, ';')};
  while (!text.empty()) {
    std::string parameter = next_part(text, ';');
    if (parameter.starts_with("version=")) range.version = unquoted(parameter.substr(8));
    if (!parameter.starts_with("q=")) continue;
    const auto read = std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), range.weight);
    if (read.ec != std::errc{}) range.weight = 0;
  }
  return range;
}

constexpr std::string_view total = "_total";

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

// Without an exponent, as prometheus-cpp writes the limits of buckets.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  std::array<char, 512> digits{};  // the largest double has 309
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed).ptr;
  return {digits.data(), end};
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix, const ClientMetric& metric,
                   const std::string& value, const std::string& upper_bound = {}) {
  out.append(name).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view key, std::string_view text) {
    out += std::exchange(before, ',');
    out.append(key).append("=\"");
    append_escaped(out, text);
    out += '"';
  };
  for (const ClientMetric::Label& one : metric.label) label(one.name, one.value);
  if (!upper_bound.empty()) label("le", upper_bound);
  if (before == ',') out += '}';
  out.append(" ").append(value).append("\n");
}

void append_histogram(std::string& out, std::string_view name, const ClientMetric& metric) {
  const ClientMetric::Histogram& histogram = metric.histogram;
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    append_sample(out, name, "_bucket", metric, std::to_string(bucket.cumulative_count), number(bucket.upper_bound));
  }
  const std::string count = std::to_string(histogram.sample_count);
  const bool has_last = !histogram.bucket.empty() && std::isinf(histogram.bucket.back().upper_bound);
  if (!has_last) append_sample(out, name, "_bucket", metric, count, "+Inf");
  append_sample(out, name, "_count", metric, count);
  append_sample(out, name, "_sum", metric, number(histogram.sample_sum));
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Gauge:
      return "gauge";
    default:
      return "unknown";
  }
}

std::string_view unit_of(std::string_view name) {
  for (const std::string_view end : {"_seconds", "_bytes"}) {
    if (name.ends_with(end)) return end.substr(1);
  }
  return {};
}

// In the text of OpenMetrics 1.0.0; prometheus-cpp writes only the older format. What differs: a counter's family has
// no _total, only its samples have; a unit is named; quotes are escaped in the help too. Numbers and limits of buckets
// are written as prometheus-cpp writes them, so that a series is the same one in both formats.
void append_open_metrics(std::string& out, const MetricFamily& family) {
  std::string_view name = family.name;
  if (family.type == MetricType::Counter && name.ends_with(total)) name.remove_suffix(total.size());
  out.append("# TYPE ").append(name).append(" ").append(type_name(family.type)).append("\n");
  if (const auto unit = unit_of(name); !unit.empty()) {
    out.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
  }
  out.append("# HELP ").append(name).append(" ");
  append_escaped(out, family.help);
  out += '\n';
  for (const ClientMetric& metric : family.metric) {
    switch (family.type) {
      case MetricType::Counter:
        append_sample(out, name, total, metric, number(metric.counter.value));
        break;
      case MetricType::Histogram:
        append_histogram(out, name, metric);
        break;
      default:
        append_sample(out, name, "", metric, number(metric.gauge.value));
    }
  }
}

}  // namespace

Exposition::Format Exposition::format_for(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  while (!accept.empty()) {
    const MediaRange range = media_range(next_part(accept, ','));
    const bool is_ours = range.version.empty() || range.version == "1.0.0";
    if (range.type == "application/openmetrics-text" && is_ours) open_metrics = std::max(open_metrics, range.weight);
    if (range.type == "text/plain") text = std::max(text, range.weight);
  }
  return open_metrics > 0 && open_metrics >= text ? Format::open_metrics : Format::text;
}

void Exposition::add(MetricFamily family) {
  if (family.metric.empty()) return;
  if (format_ == Format::open_metrics) {
    append_open_metrics(text_, family);
  } else {
    std::vector<MetricFamily> one;
    one.push_back(std::move(family));
    text_ += prometheus::TextSerializer().Serialize(one);
  }
}

const char* Exposition::content_type() const {
  return format_ == Format::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}

std::string Exposition::finish() {
  if (format_ == Format::open_metrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace jeton::agent
