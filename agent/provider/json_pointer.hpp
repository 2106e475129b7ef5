// RFC 6901 on an answer whose memory is wiped. A pure function that does not throw, unlike the one of nlohmann.
#pragma once

#include <string_view>

#include "agent/record/wiping_json.hpp"

namespace jeton::agent {

// The value at `pointer` ("/data/token", "/list/0"; "" is the whole), or nullptr if there is none.
[[nodiscard]] const WipingJson* find_by_pointer(const WipingJson& root, std::string_view pointer);

}  // namespace jeton::agent
