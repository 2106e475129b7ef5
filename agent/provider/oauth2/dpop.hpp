// Finds out whether a provider refuses because it demands DPoP (RFC 9449), a proof of possession with every request,
// which jeton does not send. Pure functions, any thread. Include in .cpp files only.
#pragma once

#include <optional>
#include <string>

#include "agent/http/http.hpp"
#include "agent/provider/answer/answer_content.hpp"

namespace jeton::agent {

// The advice of messages about it.
inline constexpr const char* dpop_advice =
    "jeton sends no DPoP proofs (RFC 9449): ask the provider to issue bearer tokens to this client, or fetch with a "
    "source "
    "of type exec";

// For an answer that is not a success: the part of it that demands DPoP; nothing if none does.
[[nodiscard]] std::optional<std::string> dpop_demand(const HttpResponse& response, const AnswerContent& content);

}  // namespace jeton::agent
