#include "agent/metrics/metrics.hpp"

#include <prometheus/metric_family.h>

#include <utility>

#include "agent/metrics/exposition.hpp"
#include "agent/metrics/families.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t text_a_turn = 64 * 1024;  // some tenths of a millisecond

}  // namespace

Task<MetricsPage> metrics_page(Timers& timers, MetricsInput input, std::string accept) {
  Exposition exposition(Exposition::format_for(accept));
  std::vector<prometheus::MetricFamily> of_host = host_families(input);
  for (prometheus::MetricFamily& family : of_host) exposition.add(std::move(family));
  std::size_t before = exposition.size();
  for (std::size_t i = 0; i < token_family_count(); ++i) {
    if (exposition.size() - before >= text_a_turn) {
      co_await sleep_for(timers, Duration{0});
      before = exposition.size();
    }
    exposition.add(token_family(i, input.status));
  }
  MetricsPage page;
  page.content_type = exposition.content_type();
  page.text = exposition.finish();
  co_return page;
}

}  // namespace jeton::agent
