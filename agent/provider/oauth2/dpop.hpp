// Whether a provider refuses because it demands DPoP (RFC 9449), a proof of possession with every request, which jeton
// does not send. Pure functions, any thread. Include in .cpp files only.
#pragma once

#include <optional>
#include <string>

#include "agent/http/http.hpp"
#include "agent/provider/answer/answer_content.hpp"

namespace jeton::agent {

// What to do about it.
inline constexpr const char* dpop_advice =
    "jeton sends no DPoP proofs (RFC 9449): have the provider issue bearer tokens to this client, or fetch with a "
    "source "
    "of type exec";

// Of an answer that is no success: which part of it demands DPoP; nothing if none does.
[[nodiscard]] std::optional<std::string> dpop_demand(const HttpResponse& response, const AnswerContent& content);

}  // namespace jeton::agent
