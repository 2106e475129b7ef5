// Reads a provider's answer that may have a new refresh token, which must not be lost. Pure functions, any
// thread. Include in .cpp files only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/http/http.hpp"
#include "agent/provider/answer/answer_content.hpp"
#include "agent/provider/source.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

struct RotatingAnswer {
  FetchedToken token;
  std::optional<SecretString> refresh_token;  // a new one that came with it
  // Why an answer with the status of a success cannot be used; with its bytes if it may hold a new refresh token that
  // could not be found.
  std::optional<SourceError> unusable;
};

// The terms by which an answer is read.
struct AnswerTerms {
  const ResponseConfig& config;
  const HttpResponse& response;
  WallTime sent_at;
  bool rotates;  // the source presents a refresh token
  bool object;   // a JSON text is not accepted as an answer
  const std::string& name;
  std::size_t capacity;           // bytes the token may have
  const SecretString& presented;  // the refresh token that was sent: at another place it is no new one
};

// Reads an answer that was accepted.
[[nodiscard]] RotatingAnswer read_rotating_answer(const AnswerContent& content, const AnswerTerms& terms);

// A refusal that the provider may not have written: it has no error code, and is a page of a firewall, a proxy or a web
// server, or has a status by which no token endpoint refuses a grant.
class ForeignRefusal : public SourceError {
 public:
  explicit ForeignRefusal(const SourceError& refusal) : SourceError(refusal) {}
};

// For an answer that was taken for a refusal: throws it. With a new refresh token and the status of a success it may
// not be one: then its bytes are kept for an operator.
[[noreturn]] void throw_refusal(const SourceError& refusal, const AnswerContent& content, const AnswerTerms& terms);

// For a request without a complete answer. The received part of a success is kept for an operator if the source
// rotates. `presented`: the refresh token that was sent.
[[nodiscard]] SourceError failure_of(const HttpError& error, bool rotates, const SecretString& presented);

}  // namespace jeton::agent
