// Exposition: families of metrics as text, in the format that the client wants: that of Prometheus (0.0.4), which every
// client reads, or OpenMetrics (1.0.0).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace prometheus {
struct MetricFamily;
}

namespace jeton::agent {

class Exposition {
 public:
  enum class Format { text, open_metrics };

  // By the header Accept (RFC 9110): OpenMetrics if it is named, at least as welcome as text.
  [[nodiscard]] static Format format_for(std::string_view accept);

  explicit Exposition(Format format) : format_(format) {}

  // A family without a sample is left out. A counter's name ends in _total.
  void add(prometheus::MetricFamily family);
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] const char* content_type() const;
  // The whole text; the last call.
  [[nodiscard]] std::string finish();

 private:
  Format format_;
  std::string text_;
};

}  // namespace jeton::agent
