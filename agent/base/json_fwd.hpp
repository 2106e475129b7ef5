// WipingJson, nlohmann::json whose memory is wiped when freed; declared only, for headers (json.hpp has the rest).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// The text of a string is wiped too: the allocator parameter of basic_json covers the string objects, not their
// buffers.
using WipingText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;
using WipingJson =
    nlohmann::basic_json<std::map, std::vector, WipingText, bool, std::int64_t, std::uint64_t, double, WipingAllocator>;

}  // namespace jeton::agent
