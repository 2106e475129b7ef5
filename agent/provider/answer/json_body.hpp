// Reads the body of a provider's answer strictly: text that two parsers could read differently is refused. Any
// thread. Include in .cpp files only.
#pragma once

#include <string_view>

#include "agent/record/wiping_json.hpp"

namespace jeton::agent {

inline constexpr int max_json_depth = 64;

// All throw SourceError(transient) that quotes no value of the body.

// Throws for a body that is empty, not JSON, nested too deeply, has a key twice, or has more bytes behind its end.
[[nodiscard]] WipingJson parse_json_body(std::string_view body);
// The same; throws also for a body that is not an object.
[[nodiscard]] WipingJson parse_json_object(std::string_view body);
// application/x-www-form-urlencoded as an object of texts. Throws for a body that is empty, has a key twice or is
// wrongly encoded.
[[nodiscard]] WipingJson parse_form_body(std::string_view body);

}  // namespace jeton::agent
