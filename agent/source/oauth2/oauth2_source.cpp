#include "agent/source/oauth2/oauth2_source.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/jwt/jwt_claims.hpp"
#include "agent/source/answer.hpp"
#include "agent/source/json_body.hpp"
#include "agent/source/json_pointer.hpp"
#include "agent/source/oauth2/dpop.hpp"
#include "agent/source/oauth2/oauth2_error.hpp"
#include "agent/source/oauth2/refresh_chain.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

// Transient: a secret file that is missing now may be there at the next attempt.
[[noreturn]] void refuse_request(const Error& why) {
  throw SourceError(Kind::transient, std::string("the request cannot be made: ") + why.what());
}

const WipingJson* find_text(const WipingJson& json, std::string_view pointer) {
  const WipingJson* value = find_by_pointer(json, pointer);
  return value != nullptr && value->is_string() ? value : nullptr;
}

// Where an answer without expires_in gets its lifetime from: what is configured, and `exp` of an access token that is a
// JWT, whichever ends earlier.
ResponseConfig with_lifetime_of_jwt(ResponseConfig config, const WipingJson& json, WallTime sent_at) {
  const WipingJson* token = find_text(json, config.token);
  if (token == nullptr) return config;
  const auto times = read_jwt_times(token->get_ref<const WipingJson::string_t&>());
  if (!times || !times->expires_at) return config;
  const Milliseconds left = *times->expires_at - sent_at;
  config.default_lifetime = std::min(left, config.default_lifetime.value_or(left));
  return config;
}

void refuse_dpop(const HttpResponse& response, const std::string& display) {
  if (const auto demand = dpop_demand(response)) {
    throw SourceError(Kind::permanent, display + " answered " + std::to_string(response.status) +
                                           " and demands DPoP (" + *demand + "); " + dpop_advice);
  }
}

// A provider that only offers DPoP may demand it of some clients, and calls a request without a proof invalid.
[[noreturn]] void refuse_where_dpop_is_offered(const OAuth2Error& refused) {
  if (refused.code() != "invalid_request") throw OAuth2Error(refused);
  throw OAuth2Error(refused.kind(),
                    std::string(refused.what()) +
                        "; the issuer's metadata offers DPoP, which it may demand of this "
                        "client: " +
                        dpop_advice,
                    refused.retry_after(), refused.code());
}

// Of a token that the provider does not know (any more) nothing is left to revoke.
bool is_revoked_already(const OAuth2Error& refused) {
  return refused.code() == "invalid_token" || refused.code() == "invalid_grant";
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
    if (config_.grant == OAuth2SourceConfig::Grant::refresh_token) {
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
      SecretString next = chain.after(candidate, answer.refresh_token);
      if (answer.unusable) {
        answer.unusable->set_state(std::move(next));
        throw SourceError(*answer.unusable);
      }
      answer.token.state = std::move(next);
      co_return std::move(answer.token);
    } catch (const OAuth2Error& e) {
      if (e.code() != "invalid_grant" || e.kind() != Kind::permanent) throw;
      if (refused.empty()) refused = e.what();
    }
  }
  throw SourceError(Kind::permanent, refused +
                                         "; the refresh token has run out, was revoked, or was used by somebody "
                                         "else: put a new one into " +
                                         place_of(config_.refresh_token, "source.refresh_token"));
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
  refuse_dpop(response, sent.request.display);
  const WallTime now = clock_.wall_now();
  WipingJson json;
  try {
    json = checked_answer(response, sent.request.display, config_.response, sent.secrets, now);
  } catch (const OAuth2Error& e) {
    if (where.offers_dpop) refuse_where_dpop_is_offered(e);
    throw;
  }

  Answer answer;
  if (const WipingJson* next = find_text(json, "/refresh_token")) {
    const std::string_view text = next->get_ref<const WipingJson::string_t&>();
    if (!text.empty()) answer.refresh_token = SecretString(text);
  }
  try {
    const ResponseConfig config = with_lifetime_of_jwt(config_.response, json, sent_at);
    answer.token = read_token(json, config, sent_at, sent.secrets);
    check_token(answer.token, name_, capacity_, now);
  } catch (const SourceError& e) {
    answer.unusable = e;
  }
  co_return answer;
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
    throw SourceError(kind_of(e.reason()), e.what());
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
  try {
    static_cast<void>(
        checked_answer(response, sent.request.display, config_.response, sent.secrets, clock_.wall_now()));
  } catch (const OAuth2Error& e) {
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
