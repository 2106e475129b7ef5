// The refresh token that a provider gives with a token, at a place that is configured like any other. A pure function,
// any thread. Include in .cpp files only.
#pragma once

#include <optional>
#include <string>

#include "agent/provider/answer/answer_content.hpp"

namespace jeton::agent {

// A new refresh token in an answer. Without a fault and without a value the presented one remains in use.
struct RefreshTokenAnswer {
  std::optional<SecretString> value;
  std::string fault;  // empty: none; otherwise why it cannot be relied on, and what to do
};
[[nodiscard]] RefreshTokenAnswer refresh_token_in(const AnswerContent& content, const ResponseConfig& config);

}  // namespace jeton::agent
