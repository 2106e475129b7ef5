// Bytes as text: hexadecimal digits and base64 (RFC 4648 sections 8 and 4). Pure functions, any thread.
#pragma once

#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

enum class HexCase { lower, upper };
[[nodiscard]] SecretString hex_encoded(std::string_view bytes, HexCase digits);

// base64 with padding.
[[nodiscard]] SecretString base64_encoded(std::string_view bytes);

}  // namespace jeton::agent
