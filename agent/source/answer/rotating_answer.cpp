#include "agent/source/answer/rotating_answer.hpp"

#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/source/answer.hpp"
#include "agent/source/answer/refresh_token_answer.hpp"
#include "agent/source/answer/token_answer.hpp"

namespace jeton::agent {
namespace {

// An answer for an operator: its status, what says how to read its body, and the body, decoded if it can be.
SecretString whole_answer(int status, const std::vector<HttpHeader>& headers, const SecretString& body) {
  SecretString whole("status " + std::to_string(status) + "\n");
  for (const HttpHeader& header : headers) {
    if (!equal_ignoring_case(header.name.substr(0, 8), "Content-")) continue;
    whole.append(header.name + ": ");
    whole.append(header.value.reveal());
    whole.append("\n");
  }
  whole.append("\n");
  whole.append(body.reveal());
  return whole;
}

}  // namespace

RotatingAnswer read_rotating_answer(const AnswerContent& content, const AnswerTerms& terms) {
  RotatingAnswer answer;
  std::string fault;
  std::optional<SourceError> unreadable = content.unreadable;
  if (terms.object && content.json.is_string()) {
    unreadable.emplace(SourceError::Kind::transient, "the provider's answer is a JSON string, not an object");
  }
  try {
    if (unreadable) throw SourceError(*unreadable);
    if (terms.rotates) {
      RefreshTokenAnswer found = refresh_token_in(content, terms.config);
      answer.refresh_token = std::move(found.value);
      fault = std::move(found.fault);
    }
    answer.token = token_in(content, terms.config, terms.sent_at).token;
    if (!fault.empty()) throw SourceError(SourceError::Kind::permanent, fault);
  } catch (const SourceError& e) {
    // What cannot be read now will not be readable soon, and the same request again would present a refresh token that
    // is spent, which ends the chain at a strict provider: it needs a person.
    const bool needs_person = terms.rotates && (unreadable || !fault.empty());
    answer.unusable.emplace(needs_person ? SourceError::Kind::permanent : e.kind(), e.what());
    if (terms.rotates && !answer.refresh_token) {
      answer.unusable->set_unread_answer(whole_answer(terms.status, content.headers, content.body));
    }
    return answer;
  }
  try {
    check_token(answer.token, terms.name, terms.capacity, content.received_at);
  } catch (const SourceError& e) {
    answer.unusable = e;
  }
  return answer;
}

FetchedToken chained_token(RotatingAnswer answer, const RefreshChain& chain, const SecretString& presented) {
  if (answer.may_break_chain()) throw SourceError(*answer.unusable);
  SecretString next = chain.after(presented, answer.refresh_token);
  if (answer.unusable) {
    answer.unusable->set_state(std::move(next));
    throw SourceError(*answer.unusable);
  }
  answer.token.state = std::move(next);
  return std::move(answer.token);
}

SourceError failure_of(const HttpError& error, bool rotates) {
  SourceError failure(kind_of(error.reason()), error.what());
  const HttpResponse& received = error.received();
  const bool accepted = received.status >= 200 && received.status <= 299;
  if (rotates && accepted && !received.body.empty()) {
    failure.set_unread_answer(whole_answer(received.status, received.headers, received.body));
  }
  return failure;
}

}  // namespace jeton::agent
