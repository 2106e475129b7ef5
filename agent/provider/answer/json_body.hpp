// Reads the body of a provider's answer strictly: text that two parsers could read differently is refused; and finds
// the values in it. Pure functions, any thread. Include in .cpp files only.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/json.hpp"

namespace jeton::agent {

// Throws SourceError(transient): "the provider's answer WHAT".
[[noreturn]] void refuse_answer(const std::string& what);

// All throw SourceError(transient) that quotes no value of the body.

// Throws for a body that is empty, not JSON, nested too deeply, has a key twice, or has more bytes behind its end.
[[nodiscard]] WipingJson parse_json_body(std::string_view body);
// The same; throws also for a body that is not an object.
[[nodiscard]] WipingJson parse_json_object(std::string_view body);
// application/x-www-form-urlencoded as an object of texts. Throws for a body that is empty, has a key twice or is
// wrongly encoded.
[[nodiscard]] WipingJson parse_form_body(std::string_view body);

// The value at `pointer` (RFC 6901: "/data/token", "/list/0"; "" is the whole), or nullptr if there is none. Does not
// throw, unlike the function of nlohmann.
[[nodiscard]] const WipingJson* find_by_pointer(const WipingJson& root, std::string_view pointer);

// The part of `rest` before the next separator; both are taken from it.
[[nodiscard]] std::string_view part_until(std::string_view& rest, char separator);

[[nodiscard]] std::string_view text_in(const WipingJson& string);
// The text at `pointer`; empty if it is missing or not a text.
[[nodiscard]] std::string_view text_by_pointer(const WipingJson& root, std::string_view pointer);

}  // namespace jeton::agent
