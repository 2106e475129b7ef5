// nlohmann::json whose memory is wiped when freed: for parsing what holds a token. The functions are those of
// agent/base/json.hpp, compiled once for the same reason. Include in .cpp files only.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// The text of a string is wiped too: the allocator parameter of basic_json covers the string objects, not their
// buffers.
using WipingText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;
using WipingJson =
    nlohmann::basic_json<std::map, std::vector, WipingText, bool, std::int64_t, std::uint64_t, double, WipingAllocator>;

// Throws WipingJson::exception, with an id below 200 if the text is not JSON; what() may quote the text.
[[nodiscard]] WipingJson parse_wiping_json(std::string_view text);
// is_discarded() if the text is not JSON.
[[nodiscard]] WipingJson try_parse_wiping_json(std::string_view text);

// On one line. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] SecretString json_text(const WipingJson& json);

}  // namespace jeton::agent
