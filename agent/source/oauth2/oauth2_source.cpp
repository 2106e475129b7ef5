#include "agent/source/oauth2/oauth2_source.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/source/answer.hpp"
#include "agent/source/answer/refresh_token_answer.hpp"
#include "agent/source/answer/refusal.hpp"
#include "agent/source/answer/token_answer.hpp"
#include "agent/source/oauth2/refresh_chain.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

// Transient: a secret file that is missing now may be there at the next attempt.
[[noreturn]] void refuse_request(const Error& why) {
  throw SourceError(Kind::transient, std::string("the request cannot be made: ") + why.what());
}

// Where a new refresh token belongs, by the names of the references; a literal is not shown.
std::string place_of(const SecretTemplate& text) {
  for (const SecretTemplate::Part& part : text.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) return SecretTemplate::reference_text(part);
  }
  return "source.refresh_token";
}

// Of a token that the provider does not know (any more) nothing is left to revoke.
bool is_revoked_already(const SourceError& refused) {
  return refused.code() == "invalid_token" || refused.code() == "invalid_grant";
}

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

OAuth2Source::OAuth2Source(std::string name, OAuth2SourceConfig config, std::size_t capacity, HttpTransport& transport,
                           const Clock& clock, const TokenValues& tokens, Random& random)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      display_(config_.issuer.empty() ? display_url(config_.token_url) : config_.issuer),
      transport_(transport),
      clock_(clock),
      tokens_(tokens),
      random_(random),
      discovery_(config_, transport, clock, tokens) {}

Task<FetchedToken> OAuth2Source::fetch(FetchContext context) {
  try {
    if (rotates()) {
      FetchedToken token = co_await fetch_by_refresh_token(std::move(context.state));
      co_return token;
    }
    Answer answer = co_await ask(SecretString());
    if (answer.unusable) throw SourceError(*answer.unusable);
    co_return std::move(answer.token);
  } catch (SourceError& e) {
    e.set_request(fingerprint());
    throw;
  }
}

Task<FetchedToken> OAuth2Source::fetch_by_refresh_token(SecretString state) {
  SecretString configured;
  try {
    configured = config_.refresh_token.resolve(&tokens_);
  } catch (const Error& e) {
    refuse_request(e);
  }
  const RefreshChain chain(state, configured);
  const std::vector<SecretString> candidates = chain.candidates();
  std::string refused;
  for (const SecretString& candidate : candidates) {
    try {
      Answer answer = co_await ask(candidate);
      if (answer.may_break_chain()) throw SourceError(*answer.unusable);
      SecretString next = chain.after(candidate, answer.refresh_token);
      if (answer.unusable) {
        answer.unusable->set_state(std::move(next));
        throw SourceError(*answer.unusable);
      }
      answer.token.state = std::move(next);
      co_return std::move(answer.token);
    } catch (const SourceError& e) {
      if (e.code() != "invalid_grant" || e.kind() != Kind::permanent) throw;
      if (refused.empty()) refused = e.what();
    }
  }
  throw SourceError(Kind::permanent, refused +
                                         "; the refresh token has run out, was revoked, or was used by somebody "
                                         "else: put a new one into " +
                                         place_of(config_.refresh_token));
}

Task<OAuth2Source::Answer> OAuth2Source::ask(SecretString refresh_token) {
  const OAuth2Endpoints where = co_await endpoints();
  const WallTime sent_at = clock_.wall_now();
  BuiltRequest sent;
  try {
    const RequestTerms terms{tokens_, random_, sent_at};
    sent = build_token_request(config_, where, refresh_token, terms);
  } catch (const Error& e) {
    refuse_request(e);
  }
  const HttpResponse response = co_await perform(sent.request);
  const AnswerContent content = content_of(response, config_.response, clock_.wall_now());
  refuse_unless_accepted(response, content, config_.response, sent.request.display, sent.secrets);
  Answer answer = read(response.status, content, sent_at);
  co_return answer;
}

OAuth2Source::Answer OAuth2Source::read(int status, const AnswerContent& content, WallTime sent_at) const {
  Answer answer;
  std::string fault;
  std::optional<SourceError> unreadable = content.unreadable;
  if (content.json.is_string())
    unreadable.emplace(Kind::transient, "the provider's answer is a JSON string, not an object");
  try {
    if (unreadable) throw SourceError(*unreadable);
    if (rotates()) {
      RefreshTokenAnswer found = refresh_token_in(content, config_.response);
      answer.refresh_token = std::move(found.value);
      fault = std::move(found.fault);
    }
    answer.token = token_in(content, config_.response, sent_at).token;
    if (!fault.empty()) throw SourceError(Kind::permanent, fault);
  } catch (const SourceError& e) {
    // What cannot be read now will not be readable soon, and the same request again would present a refresh token that
    // is spent, which ends the chain at a strict provider: it needs a person.
    const bool needs_person = rotates() && (unreadable || !fault.empty());
    answer.unusable.emplace(needs_person ? Kind::permanent : e.kind(), e.what());
    if (rotates() && !answer.refresh_token)
      answer.unusable->set_unread_answer(whole_answer(status, content.headers, content.body));
    return answer;
  }
  try {
    check_token(answer.token, name_, capacity_, content.received_at);
  } catch (const SourceError& e) {
    answer.unusable = e;
  }
  return answer;
}

Task<OAuth2Endpoints> OAuth2Source::endpoints() {
  OAuth2Endpoints where;
  if (config_.issuer.empty()) {
    try {
      where.token = config_.token_url.resolve(&tokens_);
    } catch (const Error& e) {
      refuse_request(e);
    }
    where.token_display = display_;
  } else {
    where = co_await discovery_.endpoints();
  }
  if (!config_.revocation_url.empty()) {
    try {
      where.revocation = config_.revocation_url.resolve(&tokens_);
    } catch (const Error& e) {
      refuse_request(e);
    }
    where.revocation_display = display_url(config_.revocation_url);
  }
  co_return where;
}

// An endpoint that is gone may have moved: the issuer is asked again before the next request.
Task<HttpResponse> OAuth2Source::perform(HttpRequest request) {
  try {
    HttpResponse response = co_await transport_.perform(std::move(request));
    const int status = response.status;
    if ((status >= 300 && status < 400) || status == 404 || status == 405 || status == 410 || status >= 500)
      discovery_.suspect();
    co_return response;
  } catch (const HttpError& e) {
    discovery_.suspect();
    SourceError failure(kind_of(e.reason()), e.what());
    const HttpResponse& received = e.received();
    const bool accepted = received.status >= 200 && received.status <= 299;
    if (rotates() && accepted && !received.body.empty())
      failure.set_unread_answer(whole_answer(received.status, received.headers, received.body));
    throw SourceError(failure);
  }
}

Task<> OAuth2Source::revoke(SecretString token) {
  const OAuth2Endpoints where = co_await endpoints();
  if (where.revocation.empty()) {
    throw SourceError(Kind::permanent, "the issuer " + config_.issuer +
                                           " has no revocation_endpoint; set source.revocation_url, or revoke: false");
  }
  BuiltRequest sent;
  try {
    const RequestTerms terms{tokens_, random_, clock_.wall_now()};
    sent = build_revocation_request(config_, where, token, terms);
  } catch (const Error& e) {
    refuse_request(e);
  }
  const HttpResponse response = co_await perform(sent.request);
  if (response.status >= 200 && response.status <= 299) co_return;
  const AnswerContent content = content_of(response, config_.response, clock_.wall_now());
  try {
    refuse_unless_accepted(response, content, config_.response, sent.request.display, sent.secrets);
  } catch (const SourceError& e) {
    if (!is_revoked_already(e)) throw;
  }
}

std::string OAuth2Source::fingerprint() const {
  try {
    return fingerprint_of(config_, tokens_);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace jeton::agent
