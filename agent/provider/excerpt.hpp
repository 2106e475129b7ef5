// Quotes a provider's text for a message: short, on one line, without any secret of ours.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

inline constexpr std::size_t excerpt_limit = 160;  // bytes

// `text` (UTF-8) with each occurrence of a secret replaced by ***, control characters by spaces, cut to the limit.
// Secrets shorter than 3 bytes are not replaced: that would destroy ordinary text, and they are guessed anyway.
[[nodiscard]] std::string excerpt(std::string_view text, std::span<const SecretString> secrets);

}  // namespace jeton::agent
