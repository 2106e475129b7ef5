#include "agent/source/http_source.hpp"

#include <utility>
#include <vector>

#include "agent/source/answer.hpp"
#include "agent/source/json_body.hpp"
#include "agent/source/json_pointer.hpp"
#include "agent/source/oauth2/refresh_chain.hpp"
#include "agent/source/request_builder.hpp"
#include "agent/source/response_parser.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {
namespace {

// The tokens of this host, and the one that is presented: ${revoked} or ${refresh_token}.
class PresentedToken final : public TokenValues {
 public:
  PresentedToken(const TokenValues& others, SecretPart::Kind kind, const SecretString& token)
      : others_(others), kind_(kind), token_(token) {}
  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    return others_.token_value(name);
  }
  [[nodiscard]] std::optional<SecretString> request_value(const SecretPart& part) const override {
    return part.kind == kind_ ? std::optional(token_) : std::nullopt;
  }

 private:
  const TokenValues& others_;
  const SecretPart::Kind kind_;
  const SecretString& token_;
};

// Transient: a secret file that is missing now may be there at the next attempt.
[[noreturn]] void refuse_request(const char* what, const Error& why) {
  throw SourceError(SourceError::Kind::transient, std::string(what) + why.what());
}

// In an answer that can be read.
std::optional<SecretString> refresh_token_in(const HttpResponse& response, const ResponseConfig& config) {
  try {
    const WipingJson json = parse_json_object(response.body.reveal());
    const WipingJson* const next = find_by_pointer(json, config.refresh_token);
    if (next == nullptr || !next->is_string()) return std::nullopt;
    const std::string_view text = next->get_ref<const WipingJson::string_t&>();
    return text.empty() ? std::nullopt : std::optional(SecretString(text));
  } catch (const SourceError&) {
    return std::nullopt;
  }
}

}  // namespace

HttpSource::HttpSource(std::string name, HttpSourceConfig config, std::size_t capacity, HttpTransport& transport,
                       const Clock& clock, const TokenValues& tokens, Random& random)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      display_(display_url(config_.url)),
      transport_(transport),
      clock_(clock),
      tokens_(tokens),
      random_(random) {}

Task<FetchedToken> HttpSource::fetch(FetchContext context) {
  // Of the secrets as they are now; the request itself is never the same if it has a nonce.
  const std::string request = fingerprint();
  try {
    if (!config_.refresh_token.empty()) {
      FetchedToken token = co_await fetch_by_refresh_token(std::move(context.state));
      co_return token;
    }
    const BuiltRequest sent = request_for(SecretString());
    const WallTime sent_at = clock_.wall_now();
    const HttpResponse response = co_await answer_to(sent);
    co_return token_in(response, sent, sent_at);
  } catch (SourceError& e) {
    e.set_request(request);
    throw;
  }
}

// A refusal for good may be of the refresh token: then the one before it is tried (refresh_chain.hpp).
Task<FetchedToken> HttpSource::fetch_by_refresh_token(SecretString state) {
  SecretString configured;
  try {
    configured = config_.refresh_token.resolve(&tokens_);
  } catch (const Error& e) {
    refuse_request("the request cannot be made: ", e);
  }
  const RefreshChain chain(state, configured);
  const std::vector<SecretString> candidates = chain.candidates();
  std::optional<SourceError> refused;
  for (const SecretString& candidate : candidates) {
    std::optional<SecretString> next;
    try {
      const BuiltRequest sent = request_for(candidate);
      const WallTime sent_at = clock_.wall_now();
      const HttpResponse response = co_await answer_to(sent);
      next = refresh_token_in(response, config_.response);
      FetchedToken token = token_in(response, sent, sent_at);
      token.state = chain.after(candidate, next);
      co_return token;
    } catch (SourceError& e) {
      if (next) e.set_state(chain.after(candidate, next));
      if (next || e.kind() != SourceError::Kind::permanent) throw;
      if (!refused) refused = e;
    }
  }
  throw SourceError(SourceError::Kind::permanent, std::string(refused->what()) +
                                                      "; if the refresh token has run out, was revoked, or was used by "
                                                      "somebody else: put a new one into " +
                                                      place_of(config_.refresh_token, "source.refresh_token"));
}

BuiltRequest HttpSource::request_for(const SecretString& refresh_token) const {
  const PresentedToken tokens(tokens_, SecretPart::Kind::refresh_token, refresh_token);
  try {
    return build_request(config_, {tokens, random_, clock_.wall_now()});
  } catch (const Error& e) {
    refuse_request("the request cannot be made: ", e);
  }
}

// With status 2xx.
Task<HttpResponse> HttpSource::answer_to(const BuiltRequest& sent) {
  HttpResponse response;
  try {
    response = co_await transport_.perform(sent.request);
  } catch (const HttpError& e) {
    throw SourceError(kind_of(e.reason()), e.what());
  }
  if (response.status < 200 || response.status > 299) {
    const auto said = provider_error(response.body.reveal(), config_.response, sent.secrets);
    refuse_status(response, sent.request.display, said, clock_.wall_now(),
                  ruled_kind(response.body.reveal(), config_.response));
  }
  co_return response;
}

FetchedToken HttpSource::token_in(const HttpResponse& response, const BuiltRequest& sent, WallTime sent_at) const {
  FetchedToken token = parse_http_answer(response, config_.response, sent_at, sent.secrets);
  check_token(token, name_, capacity_, clock_.wall_now());
  return token;
}

Task<> HttpSource::revoke(SecretString token) {
  const PresentedToken tokens(tokens_, SecretPart::Kind::revoked, token);
  BuiltRequest sent;
  try {
    sent = build_revocation(config_, {tokens, random_, clock_.wall_now()});
  } catch (const Error& e) {
    refuse_request("the revocation cannot be sent: ", e);
  }
  const HttpResponse response = co_await answer_to(sent);
  if (const auto error = declared_error(response.body.reveal(), config_.response, sent.secrets)) {
    throw SourceError(ruled_kind(response.body.reveal(), config_.response).value_or(SourceError::Kind::transient),
                      sent.request.display + " answered the revocation with " + *error);
  }
}

std::string HttpSource::fingerprint() const {
  try {
    NoRandom no_random;
    const SecretString configured = config_.refresh_token.resolve(&tokens_);
    const PresentedToken tokens(tokens_, SecretPart::Kind::refresh_token, configured);
    return fingerprint_of(build_request(config_, {tokens, no_random, WallTime{}}).request);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace jeton::agent
