// Makes a token from a provider's answer. Pure functions, any thread. Include in .cpp files only.
//
// Messages name the place with the wrong value. From the answer itself they quote at most the values at error and
// error_message, shortened and with the secrets of the request and of the answer hidden.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/config/model/sources/request_config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/answer/answer_content.hpp"
#include "agent/provider/answer/answer_expiry.hpp"
#include "agent/provider/source.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// The word that may precede a token ("Bearer xyz"), in any case: a scheme that IANA has registered, or one that
// well-known providers use.
[[nodiscard]] bool is_auth_scheme(std::string_view word);

struct TokenAnswer {
  FetchedToken token;
  bool end_by_default = false;  // AnswerExpiry::by_default
};

// The token in an answer that was accepted. `begin`: lifetimes count from when the request was sent, so that none ends
// later than the provider says. Throws SourceError: transient, because the next answer may be a good one.
[[nodiscard]] TokenAnswer token_in(const AnswerContent& content, const ResponseConfig& config, LifetimeBegin begin);

// The token in an HTTP answer that was received at `now`; throws SourceError also for an answer that is a refusal.
[[nodiscard]] FetchedToken parse_http_answer(const HttpResponse& response, const ResponseConfig& config,
                                             const std::string& display, WallTime sent_at, WallTime now,
                                             std::span<const SecretString> secrets = {});

// The token in the output of a command, or in a file.
[[nodiscard]] FetchedToken parse_token_response(std::string_view body, const ResponseConfig& config, WallTime now,
                                                std::span<const SecretString> secrets = {});

}  // namespace jeton::agent
