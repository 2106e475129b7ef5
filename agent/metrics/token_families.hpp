// The families of metrics that have a series for each token, with the label `token`: computed from the tokens' status.
// One at a time, so that the loop has its turns in between.
#pragma once

#include <cstddef>

#include "agent/api/agent_facade.hpp"

namespace prometheus {
struct MetricFamily;
}

namespace jeton::agent {

[[nodiscard]] std::size_t token_family_count();
// Without the tokens that have no such figure: those without a budget, or that there has never been.
[[nodiscard]] prometheus::MetricFamily token_family(std::size_t index, const AgentStatus& status);

}  // namespace jeton::agent
