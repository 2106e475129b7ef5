// One configuration: the text of its files, or the text of one secret in a configuration that is otherwise valid. The
// first byte says which.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char kinds_of_config = 4;  // the first byte modulo this

// Empty, or what the loading did that it must not: throw, end without a configuration and without a reason, report a
// problem without a place, or show a secret.
[[nodiscard]] std::string try_config(std::string_view input);

}  // namespace jeton::fuzz
