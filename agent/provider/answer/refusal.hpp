// One classification of refusals for every source: the error in an answer, and whether it may pass by itself. Pure
// functions, any thread. Include in .cpp files only.
//
// response.error_rules come first: by the code at response.error, then by the status. Without a rule
//   - 5xx, 408, 425 and 429 pass;
//   - the codes of RFC 6749 section 5.2 and RFC 8707 need a person, whatever the status; server_error,
//     temporarily_unavailable and slow_down pass;
//   - an error in an answer with 2xx passes, and so does a 4xx that says when to come back: by Retry-After, or by a
//     rate limit of which nothing remains;
//   - every other status needs a person, redirects too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/http/http.hpp"
#include "agent/provider/answer/answer_content.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

[[nodiscard]] bool is_success_status(int status);

// The kind of failure of a request that had no answer.
[[nodiscard]] SourceError::Kind kind_of(HttpError::Reason reason);

struct DeclaredError {
  std::string code;        // as rules compare it; may hold anything
  std::string shown_code;  // the same without any secret
  std::string words;       // `/errcode 40013: "invalid appid"`: shortened, and without any secret
};

// Nothing: there is no value at response.error, or one that means success. `secrets`, the token and the refresh token
// are not shown.
[[nodiscard]] std::optional<DeclaredError> declared_error(const AnswerContent& content, const ResponseConfig& config,
                                                          std::span<const SecretString> secrets);

// The kind by the rules, or else by a code that is one of those above, or else `otherwise`. `status` 0: none.
[[nodiscard]] SourceError::Kind kind_of_code(const ErrorRules& rules, const std::string& code, int status,
                                             SourceError::Kind otherwise);

// The kind by the rules only.
[[nodiscard]] std::optional<SourceError::Kind> ruled_kind(const ErrorRules& rules, const std::string& code, int status);

// The pause that an answer asks for, between zero and retry_after_cap: by Retry-After, or else by the reset of a rate
// limit, unless some of that remains. A date counts from the answer's own Date, or else from `received_at`.
[[nodiscard]] std::optional<Duration> asked_pause(const HttpResponse& response, WallTime received_at);

// The status or a header of the answer says that the same request may work later.
[[nodiscard]] bool says_later(const HttpResponse& response, WallTime now);

// Throws SourceError unless the status is 2xx and the content declares no error.
void refuse_unless_accepted(const HttpResponse& response, const AnswerContent& content, const ResponseConfig& config,
                            const std::string& display, std::span<const SecretString> secrets);

// The same for a file or for the output of a command that succeeded, which have no status.
void refuse_declared_error(const AnswerContent& content, const ResponseConfig& config,
                           std::span<const SecretString> secrets);

// A message about an answer for a source that has no provider: "the provider's answer is empty" becomes "the file is
// empty".
[[nodiscard]] std::string with_subject(std::string message, std::string_view subject);

}  // namespace jeton::agent
