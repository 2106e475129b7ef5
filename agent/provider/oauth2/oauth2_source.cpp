// The source of type `oauth2`: the token endpoint of RFC 6749, by any of four grants, and the revocation endpoint of
// RFC 7009.
//
// Every attempt reads secrets and keys again and signs a new assertion. One thread: the loop's.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/rotating_answer.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/oauth2/discovery.hpp"
#include "agent/provider/refresh_chain.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
  return lower;
}

// The part of an answer that demands DPoP (RFC 9449); empty if none does.
std::string dpop_demand(const HttpResponse& response, const AnswerContent& content) {
  for (const HttpHeader& header : response.headers) {
    if (!equal_ignoring_case(header.name, "WWW-Authenticate")) continue;
    if (lower_case(header.value.reveal()).starts_with("dpop")) return "WWW-Authenticate: DPoP";
  }
  const std::string code = lower_case(text_by_pointer(content.json, "/error"));
  if (code == "use_dpop_nonce" || code == "invalid_dpop_proof") return "the error " + code;
  const std::string description = lower_case(text_by_pointer(content.json, "/error_description"));
  return description.find("dpop") == std::string::npos ? "" : "its error_description";
}

void refuse_dpop(const HttpResponse& response, const AnswerContent& content, const std::string& display) {
  if (is_success_status(response.status)) return;
  if (const std::string demand = dpop_demand(response, content); !demand.empty()) {
    throw SourceError(Kind::permanent, display + " answered " + std::to_string(response.status) +
                                           " and demands DPoP (" + demand + "); " + dpop_advice);
  }
}

// A provider that only offers DPoP may demand it of some clients, and calls a request without a proof invalid.
[[noreturn]] void refuse_where_dpop_is_offered(const SourceError& refused) {
  throw refused.reworded(std::string(refused.what()) +
                         "; the issuer's metadata offers DPoP, which it may demand of this client: " + dpop_advice);
}

// A token that the provider does not know (any more) need not be revoked.
bool is_revoked_already(const SourceError& refused) {
  return refused.code() == "invalid_token" || refused.code() == "invalid_grant";
}

class OAuth2Source final : public Source {
 public:
  OAuth2Source(const TokenConfig& token, const Immutable<OAuth2SourceConfig>& config, const SourceParts& parts)
      : name_(token.name),
        config_(config),
        capacity_(token.capacity),
        display_(config_->issuer.empty() ? display_url(config_->token_url) : config_->issuer),
        transport_(parts.http),
        clock_(parts.timers.clock()),
        tokens_(parts.tokens),
        random_(parts.random),
        discovery_(config_, transport_, clock_, tokens_) {}

  Task<FetchedToken> fetch(FetchContext context) override {
    const std::string request = fingerprint();  // before a secret is corrected while the provider refuses it
    try {
      if (rotates()) {
        AskWithToken ask_with = [this](SecretString presented) { return ask(std::move(presented)); };
        FetchedToken token =
            co_await fetch_by_chain(std::move(context), config_->refresh_token, tokens_, std::move(ask_with));
        co_return token;
      }
      RotatingAnswer answer = co_await ask(SecretString());
      if (answer.unusable) throw SourceError(*answer.unusable);
      co_return std::move(answer.token);
    } catch (SourceError& e) {
      e.set_request(request);
      throw;
    }
  }

  [[nodiscard]] std::string fingerprint() const override {
    try {
      return fingerprint_of(config_, capacity_, tokens_);
    } catch (const Error&) {
      return {};
    }
  }

  [[nodiscard]] bool revokes() const override { return config_->revoke; }

  Task<> revoke(SecretString token) override {
    const OAuth2Endpoints where = co_await endpoints();
    if (where.revocation.empty()) {
      throw SourceError(
          Kind::permanent,
          "the issuer " + config_->issuer + " has no revocation_endpoint; set source.revocation_url, or revoke: false");
    }
    BuiltRequest sent;
    try {
      const RequestTerms terms{tokens_, random_, clock_.wall_now()};
      sent = build_revocation_request(config_, where, token, terms);
    } catch (const Error& e) {
      throw unmade_request(e);
    }
    const HttpResponse response = co_await perform(sent.request, SecretString());
    if (is_success_status(response.status)) co_return;
    const AnswerContent content = content_of(response, config_->response, clock_.wall_now());
    try {
      refuse_unless_accepted(response, content, config_->response, sent.request.display, sent.secrets);
    } catch (const SourceError& e) {
      if (!is_revoked_already(e)) throw;
    }
  }

  [[nodiscard]] std::optional<std::string> describe_request() const override { return std::nullopt; }
  [[nodiscard]] std::string describe() const override { return display_; }

 private:
  [[nodiscard]] bool rotates() const { return config_->grant == OAuth2SourceConfig::Grant::refresh_token; }

  // One request. `refresh_token`: for the grant of that name.
  Task<RotatingAnswer> ask(SecretString refresh_token) {
    const OAuth2Endpoints where = co_await endpoints();
    const BootTime sent_at = clock_.boot_now();
    BuiltRequest sent;
    try {
      const RequestTerms terms{tokens_, random_, clock_.wall_now()};
      sent = build_token_request(config_, where, refresh_token, terms);
    } catch (const Error& e) {
      throw unmade_request(e);
    }
    const HttpResponse response = co_await perform(sent.request, refresh_token);
    const AnswerContent content = content_of(response, config_->response, clock_.wall_now());
    refuse_dpop(response, content, sent.request.display);
    const AnswerTerms terms{config_->response, response,     wall_time_of(sent_at, clock_), rotates(), true, name_,
                            capacity_,         refresh_token};
    try {
      refuse_unless_accepted(response, content, config_->response, sent.request.display, sent.secrets);
    } catch (const SourceError& e) {
      if (where.offers_dpop && e.code() == "invalid_request") refuse_where_dpop_is_offered(e);
      throw_refusal(e, content, terms);
    }
    RotatingAnswer answer = read_rotating_answer(content, terms);
    co_return answer;
  }

  Task<OAuth2Endpoints> endpoints() {
    OAuth2Endpoints where;
    if (config_->issuer.empty()) {
      where.token = resolved(config_->token_url, tokens_);
      where.token_display = display_;
    } else {
      where = co_await discovery_.endpoints();
    }
    if (!config_->revocation_url.empty()) {
      where.revocation = resolved(config_->revocation_url, tokens_);
      where.revocation_display = display_url(config_->revocation_url);
    }
    co_return where;
  }

  // An endpoint that is gone may have moved: the issuer is asked again before the next request.
  Task<HttpResponse> perform(HttpRequest request, SecretString refresh_token) {
    try {
      HttpResponse response = co_await transport_.perform(std::move(request));
      const int status = response.status;
      if ((status >= 300 && status < 400) || status == 404 || status == 405 || status == 410 || status >= 500)
        discovery_.suspect();
      co_return response;
    } catch (const HttpError& e) {
      discovery_.suspect();
      throw failure_of(e, rotates(), refresh_token);
    }
  }

  const std::string name_;
  const Immutable<OAuth2SourceConfig> config_;
  const std::size_t capacity_;
  const std::string display_;
  HttpTransport& transport_;
  const Clock& clock_;
  const TokenValues& tokens_;
  Random& random_;
  Discovery discovery_;
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<OAuth2SourceConfig>& config,
                                    const SourceParts& parts) {
  return std::make_unique<OAuth2Source>(token, config, parts);
}

}  // namespace jeton::agent
