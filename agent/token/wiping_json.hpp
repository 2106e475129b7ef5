// nlohmann::json whose memory is wiped when freed: for parsing what holds a token. Include in .cpp files only.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

using WipingJson = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, double,
                                        WipingAllocator>;

}  // namespace jeton::agent
