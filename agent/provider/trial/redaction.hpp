// Requests and answers as an operator may see them: every secret is ***. Pure functions, any thread.
//
// These parts are hidden: known secrets, values under a name that sounds secret (client_secret, Authorization), and
// texts in a provider's answer that look like a token: in an answer that cannot be read, any of them may be the token.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

enum class Direction { sent, received };

// The text on one line; control characters become blanks.
[[nodiscard]] std::string shown_text(std::string_view text, std::span<const SecretString> secrets);

[[nodiscard]] std::string shown_url(std::string_view url, std::span<const SecretString> secrets, Direction direction);

[[nodiscard]] std::string shown_header(const std::string& name, std::string_view value,
                                       std::span<const SecretString> secrets, Direction direction);

// JSON and forms by their fields, other received texts as unknown_text() says (secret_words.hpp); texts longer than
// 2000 bytes are cut.
[[nodiscard]] std::string shown_body(std::string_view body, std::span<const SecretString> secrets, Direction direction);

}  // namespace jeton::agent
