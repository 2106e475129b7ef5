// What every source that speaks HTTP makes of an answer, or of none. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/http/http.hpp"
#include "agent/source/source.hpp"

namespace jeton::agent {

// A status that says "later", not "wrong": 5xx, 408, 425 and 429.
[[nodiscard]] bool is_transient_status(int status);

// Of a request that had no answer.
[[nodiscard]] SourceError::Kind kind_of(HttpError::Reason reason);

// An answer with any status but 2xx: throws SourceError. `said`: what the provider says of it, without secrets.
// `ruled`: what its error means, if that is known better than by the status.
[[noreturn]] void refuse_status(const HttpResponse& response, const std::string& display,
                                const std::optional<std::string>& said, WallTime now,
                                std::optional<SourceError::Kind> ruled = std::nullopt);

// Throws SourceError for a token that is larger than `capacity` bytes (tokens.NAME.capacity) or has run out by `now`.
void check_token(const FetchedToken& token, const std::string& name, std::size_t capacity, WallTime now);

[[nodiscard]] std::string method_name(HttpRequest::Method method);

// As Source::fingerprint(): of everything that is sent.
[[nodiscard]] std::string fingerprint_of(const HttpRequest& request);

}  // namespace jeton::agent
