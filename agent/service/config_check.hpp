// What the files of the configuration say now, as the service sees them, against the configuration in force. Pure.
#pragma once

#include "agent/base/finding.hpp"
#include "agent/config/load.hpp"

namespace jeton::agent {

[[nodiscard]] Findings judge_config(const LoadResult& files, const Config& running);

}  // namespace jeton::agent
