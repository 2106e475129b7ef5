#include "agent/provider/answer/rotating_answer.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer.hpp"
#include "agent/provider/answer/refresh_token_answer.hpp"
#include "agent/provider/answer/token_answer.hpp"

namespace jeton::agent {
namespace {

// An answer for an operator: its status, the headers that describe its body, and the body, decoded if possible.
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

// "refresh_token", "refreshToken", "Refresh-Token".
bool names_refresh_token_at(std::string_view text, std::size_t position) {
  constexpr std::string_view name = "refreshtoken";
  std::size_t matched = 0;
  for (std::size_t i = position; matched < name.size() && i < text.size(); ++i) {
    if (matched > 0 && (text[i] == '_' || text[i] == '-')) continue;
    if (ascii_lower(text[i]) != name[matched]) return false;
    ++matched;
  }
  return matched == name.size();
}

// Whether bytes that cannot be parsed mention a refresh token, or have a coding that hides it.
bool may_hold_refresh_token(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool is_text = byte >= 0x20 || byte == '\t' || byte == '\r' || byte == '\n';
    if (!is_text || names_refresh_token_at(bytes, i)) return true;
  }
  return false;
}

void keep_bytes(SourceError& failure, int status, const std::vector<HttpHeader>& headers, const SecretString& body) {
  failure.set_unread_answer(whole_answer(status, headers, body));
  if (may_hold_refresh_token(body.reveal())) failure.set_spent();
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
    // The next answer will probably be unreadable too, and the same request would present a spent refresh token again,
    // which ends the chain at a strict provider: it needs a person. Where neither token is found, both places may be
    // wrong.
    const bool finds_nothing = !answer.refresh_token && !content.find(terms.config.token);
    const bool needs_person = terms.rotates && (unreadable || !fault.empty() || finds_nothing);
    answer.unusable.emplace(needs_person ? SourceError::Kind::permanent : e.kind(), e.what(), terms.asked_pause);
    if (terms.rotates && !answer.refresh_token)
      keep_bytes(*answer.unusable, terms.status, content.headers, content.body);
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

SourceError refusal_of(const SourceError& refusal, const AnswerContent& content, const AnswerTerms& terms,
                       const SecretString& presented) {
  if (!terms.rotates || !is_success_status(terms.status)) return refusal;
  const RefreshTokenAnswer found = refresh_token_in(content, terms.config);
  const bool is_new = found.value ? !(*found.value == presented) : !found.fault.empty();
  if (!is_new) return refusal;
  SourceError kept(
      SourceError::Kind::permanent,
      std::string(refusal.what()) +
          "; the answer also has a new refresh token, so this may not be an error (response.error_rules.success)",
      refusal.retry_after());
  kept.set_refusal(refusal.code(), refusal.status());
  keep_bytes(kept, terms.status, content.headers, content.body);
  kept.set_spent();
  return kept;
}

SourceError failure_of(const HttpError& error, bool rotates) {
  const HttpResponse& received = error.received();
  const bool keeps = rotates && is_success_status(received.status) && !received.body.empty();
  const bool spent = keeps && may_hold_refresh_token(received.body.reveal());
  SourceError failure(spent ? SourceError::Kind::permanent : kind_of(error.reason()), error.what());
  if (keeps) keep_bytes(failure, received.status, received.headers, received.body);
  return failure;
}

}  // namespace jeton::agent
