// nlohmann::json whose memory is wiped when freed: for parsing texts that hold a token. The functions are those of
// agent/base/json.hpp, compiled once for the same reason. Include in .cpp files only.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/record/wiping_json_fwd.hpp"

namespace jeton::agent {

// Throws WipingJson::exception, with an id below 200 if the text is not JSON; what() may quote the text.
[[nodiscard]] WipingJson parse_wiping_json(std::string_view text);
// is_discarded() if the text is not JSON.
[[nodiscard]] WipingJson try_parse_wiping_json(std::string_view text);

// The JSON text on one line. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] SecretString json_text(const WipingJson& json);

}  // namespace jeton::agent
