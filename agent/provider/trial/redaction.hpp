// Requests and answers as an operator may see them: every secret is ***. Pure functions, any thread.
//
// Hidden is what is known to be secret, what stands under a name that sounds so (client_secret, Authorization), and, in
// what a provider sends, what looks like a token: when an answer cannot be understood, nobody knows which part of it
// is.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

enum class Direction { sent, received };

// On one line; control characters are blanks.
[[nodiscard]] std::string shown_text(std::string_view text, std::span<const SecretString> secrets);

[[nodiscard]] std::string shown_url(std::string_view url, std::span<const SecretString> secrets, Direction direction);

[[nodiscard]] std::string shown_header(const std::string& name, std::string_view value,
                                       std::span<const SecretString> secrets, Direction direction);

// JSON and forms by their fields, anything else that is received as unknown_text.hpp says; what is longer than 2000
// bytes is cut.
[[nodiscard]] std::string shown_body(std::string_view body, std::span<const SecretString> secrets, Direction direction);

}  // namespace jeton::agent
