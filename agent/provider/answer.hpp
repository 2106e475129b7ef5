// Functions about requests and tokens that all sources share. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/http/http.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// The failure of a request that cannot be made. It is transient: a secret file that is missing now may exist at the
// next attempt.
[[nodiscard]] SourceError unmade_request(const Error& why);

[[nodiscard]] bool is_success_status(int status);

// A status that says "later", not "wrong": 5xx, 408, 425 and 429.
[[nodiscard]] bool is_transient_status(int status);

// The kind of failure of a request that had no answer.
[[nodiscard]] SourceError::Kind kind_of(HttpError::Reason reason);

// Throws SourceError for a token that is larger than `capacity` bytes (tokens.NAME.capacity) or has run out by `now`.
void check_token(const FetchedToken& token, const std::string& name, std::size_t capacity, WallTime now);

// A fingerprint for Source::fingerprint() of everything that is sent.
[[nodiscard]] std::string fingerprint_of(const HttpRequest& request);

}  // namespace jeton::agent
