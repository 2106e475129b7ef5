// From the bytes of a provider's answer to a token. Pure functions, any thread.
//
// Messages name the pointer that did not hold what it should; of the answer itself they quote at most the fields
// that error and error_message point to, shortened and with the secrets of the request and the token blotted out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/config/config.hpp"
#include "agent/http/http.hpp"
#include "agent/source/source.hpp"
#include "agent/token/record.hpp"

namespace jeton::agent {

// The body of an answer with status 2xx. `now` is when the request was sent: a lifetime counts from there, so it never
// ends later than the provider says. Throws SourceError: transient, because the next answer
// may be a good one, unless response.error_rules say otherwise.
[[nodiscard]] FetchedToken parse_token_response(std::string_view body, const ResponseConfig& config, WallTime now,
                                                std::span<const SecretString> secrets = {});

// The same of an answer by HTTP, where the token may stand in a header ("TOKEN" or "TYPE TOKEN") or be the whole body.
[[nodiscard]] FetchedToken parse_http_answer(const HttpResponse& response, const ResponseConfig& config, WallTime now,
                                             std::span<const SecretString> secrets = {});

// What response.error_rules say of an answer, whatever its status; nothing if they do not know its error.
[[nodiscard]] std::optional<SourceError::Kind> ruled_kind(std::string_view body, const ResponseConfig& config);

// What an answer with status 2xx declares to be an error all the same; nothing if the body is not JSON.
[[nodiscard]] std::optional<std::string> declared_error(std::string_view body, const ResponseConfig& config,
                                                        std::span<const SecretString> secrets = {});

// What the provider says about its failure: `/errcode 40013: "invalid appid"`. Nothing if the body is not JSON or has
// no such field. Never throws for what the body holds.
[[nodiscard]] std::optional<std::string> provider_error(std::string_view body, const ResponseConfig& config,
                                                        std::span<const SecretString> secrets = {});

}  // namespace jeton::agent
