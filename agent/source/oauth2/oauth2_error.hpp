// What an OAuth2 server says about a request that it refuses (RFC 6749 section 5.2), and what is to be made of it.
// Pure functions, any thread. Include in .cpp files only.
#pragma once

#include <span>
#include <string>

#include "agent/config/sources/response_config.hpp"
#include "agent/http/http.hpp"
#include "agent/source/source.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {

// A refusal with a code. Permanent: invalid_request, invalid_client, invalid_grant, unauthorized_client,
// unsupported_grant_type, invalid_scope and invalid_target (RFC 8707), in whatever answer they stand but a 5xx, 408,
// 425 or 429; every other code by the status, as in a source of type http, and transient in an answer of 200.
class OAuth2Error final : public SourceError {
 public:
  OAuth2Error(Kind kind, const std::string& message, std::optional<Duration> retry_after, std::string code)
      : SourceError(kind, message, retry_after), code_(std::move(code)) {}
  [[nodiscard]] const std::string& code() const { return code_; }

 private:
  std::string code_;
};

// The JSON of an answer with status 2xx. Throws OAuth2Error if the answer holds such a code, whatever its status, and
// SourceError for any other status and for a body that is no JSON object. Of the provider's own words the message has
// an excerpt, without `secrets`.
[[nodiscard]] WipingJson checked_answer(const HttpResponse& response, const std::string& display,
                                        const ResponseConfig& config, std::span<const SecretString> secrets,
                                        WallTime now);

}  // namespace jeton::agent
