#include "agent/source/http_source.hpp"

#include <utility>

#include "agent/source/answer.hpp"
#include "agent/source/answer/refusal.hpp"
#include "agent/source/answer/token_answer.hpp"
#include "agent/source/request_builder.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {
namespace {

// The tokens of this host, and the one that ${revoked} stands for.
class RevokedToken final : public TokenValues {
 public:
  RevokedToken(const TokenValues& others, const SecretString& revoked) : others_(others), revoked_(revoked) {}
  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    return others_.token_value(name);
  }
  [[nodiscard]] std::optional<SecretString> revoked_value() const override { return revoked_; }

 private:
  const TokenValues& others_;
  const SecretString& revoked_;
};

}  // namespace

HttpSource::HttpSource(std::string name, HttpSourceConfig config, std::size_t capacity, HttpTransport& transport,
                       const Clock& clock, const TokenValues& tokens)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      display_(display_url(config_.url)),
      transport_(transport),
      clock_(clock),
      tokens_(tokens) {}

Task<FetchedToken> HttpSource::fetch(FetchContext /*context*/) {
  BuiltRequest sent;
  try {
    sent = build_request(config_, tokens_);
  } catch (const Error& e) {
    // Transient: a secret file that is missing now may be there at the next attempt.
    throw SourceError(SourceError::Kind::transient, std::string("the request cannot be made: ") + e.what());
  }
  try {
    co_return co_await fetch_by(sent);
  } catch (SourceError& e) {
    e.set_request(fingerprint_of(sent.request));
    throw;
  }
}

Task<HttpResponse> HttpSource::answer_to(const BuiltRequest& sent) {
  try {
    HttpResponse response = co_await transport_.perform(sent.request);
    co_return response;
  } catch (const HttpError& e) {
    throw SourceError(kind_of(e.reason()), e.what());
  }
}

Task<FetchedToken> HttpSource::fetch_by(const BuiltRequest& sent) {
  const WallTime sent_at = clock_.wall_now();
  const HttpResponse response = co_await answer_to(sent);
  const WallTime now = clock_.wall_now();
  FetchedToken token = parse_http_answer(response, config_.response, sent.request.display, sent_at, now, sent.secrets);
  check_token(token, name_, capacity_, now);
  co_return token;
}

Task<> HttpSource::revoke(SecretString token) {
  BuiltRequest sent;
  try {
    sent = build_revocation(config_, RevokedToken(tokens_, token));
  } catch (const Error& e) {
    throw SourceError(SourceError::Kind::transient, std::string("the revocation cannot be sent: ") + e.what());
  }
  const HttpResponse response = co_await answer_to(sent);
  const AnswerContent content = content_of(response, config_.response, clock_.wall_now());
  refuse_unless_accepted(response, content, config_.response, "the revocation at " + sent.request.display,
                         sent.secrets);
}

std::string HttpSource::fingerprint() const {
  try {
    return fingerprint_of(build_request(config_, tokens_).request);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace jeton::agent
