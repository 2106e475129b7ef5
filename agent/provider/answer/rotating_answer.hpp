// Reads a provider's answer that may have a new refresh token, which must not be lost. Pure functions, any
// thread. Include in .cpp files only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/provider/answer/answer_content.hpp"
#include "agent/provider/refresh_chain.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

struct RotatingAnswer {
  FetchedToken token;
  std::optional<SecretString> refresh_token;  // a new one that came with it
  std::optional<SourceError> unusable;        // why an answer with the status of a success cannot be used
  // Whether the answer may hold a new refresh token that could not be found; then its bytes are in `unusable`.
  [[nodiscard]] bool may_break_chain() const { return unusable && !unusable->unread_answer().empty(); }
};

// The terms by which an answer is read.
struct AnswerTerms {
  const ResponseConfig& config;
  WallTime sent_at;
  int status;
  bool rotates;  // the source presents a refresh token
  bool object;   // a JSON text is not accepted as an answer
  const std::string& name;
  std::size_t capacity;  // bytes the token may have
  std::optional<Duration> asked_pause;
};

// Reads an answer that was accepted.
[[nodiscard]] RotatingAnswer read_rotating_answer(const AnswerContent& content, const AnswerTerms& terms);

// The token, with the state after `presented`. Throws the answer's own SourceError if it is unusable; that has the
// state too, unless a new refresh token may be among the bytes that could not be read.
[[nodiscard]] FetchedToken chained_token(RotatingAnswer answer, const RefreshChain& chain,
                                         const SecretString& presented);

// For an answer that was taken for a refusal. With a new refresh token and the status of a success it may not be one:
// then its bytes are kept for an operator. `presented`: the refresh token that was sent.
[[nodiscard]] SourceError refusal_of(const SourceError& refusal, const AnswerContent& content, const AnswerTerms& terms,
                                     const SecretString& presented);

// For a request without a complete answer. The received part of a success is kept for an operator if the source
// rotates.
[[nodiscard]] SourceError failure_of(const HttpError& error, bool rotates);

}  // namespace jeton::agent
