// Rules for the content of tokens and records from all origins: a provider's answer, another host, a file, a segment.
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/record/record.hpp"

namespace jeton::agent {

inline constexpr std::chrono::hours max_lifetime{24 * 3653};  // ten years
inline constexpr std::size_t max_type_size = 63;              // bytes
inline constexpr std::size_t max_attribute_size = 1024;       // bytes
inline constexpr std::size_t max_attributes = 256;
inline constexpr std::size_t max_attributes_size = 4096;  // bytes; of all that a token has, in its segment

[[nodiscard]] std::size_t size_in_segment(const Attributes& attributes);

// Why `value` cannot be a token, without any of it: "is empty", "holds a character that is not allowed in a token (a
// space at byte 7)". Nothing if it may be one.
[[nodiscard]] std::optional<std::string> fault_of_value(std::string_view value);

// A word such as Bearer. A token without a type has an empty one.
[[nodiscard]] bool is_token_type(std::string_view type);

// Throws Error, without any of the content, if no agent writes such a record. `now`: by the clock of the record's
// times.
void check_record(const Record& record, WallTime now);

}  // namespace jeton::agent
