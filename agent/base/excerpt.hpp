// Quotes a text from outside for a message: short, on one line, without any secret of ours.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

inline constexpr std::size_t excerpt_limit = 160;  // bytes

// `text` with each occurrence of a secret replaced by ***, control characters by spaces, cut to `limit` bytes between
// two characters of UTF-8; three dots say so.
// Secrets shorter than 3 bytes are not replaced: that would destroy ordinary text, and they are guessed anyway.
[[nodiscard]] std::string excerpt(std::string_view text, std::span<const SecretString> secrets = {},
                                  std::size_t limit = excerpt_limit);

}  // namespace jeton::agent
