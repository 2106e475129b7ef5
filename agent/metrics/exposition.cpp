#include "agent/metrics/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/metrics/open_metrics.hpp"

namespace jeton::agent {
namespace {

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

MediaRange media_range(std::string_view text) {
  MediaRange range{next_part(text, ';')};
  while (!text.empty()) {
    std::string parameter = next_part(text, ';');
    if (parameter.starts_with("version=")) range.version = parameter.substr(8);
    if (!parameter.starts_with("q=")) continue;
    const auto read = std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), range.weight);
    if (read.ec != std::errc{}) range.weight = 0;
  }
  return range;
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

void Exposition::add(prometheus::MetricFamily family) {
  if (family.metric.empty()) return;
  if (format_ == Format::open_metrics) {
    append_open_metrics(text_, family);
  } else {
    std::vector<prometheus::MetricFamily> one;
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
