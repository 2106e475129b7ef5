// The source of type `http`: one request as the configuration says, one answer.
//
// Time, nonces and signatures are new in every request. A refresh token that the answers replace is kept from fetch to
// fetch (refresh_chain.hpp). Secrets are read again for every fetch, so a replaced file is used at once. Secrets that a
// provider repeats in an error are hidden. One thread: the loop's.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/rotating_answer.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/refresh_chain.hpp"
#include "agent/provider/request_builder.hpp"
#include "agent/provider/source_fingerprint.hpp"

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

class HttpSource final : public Source {
 public:
  HttpSource(const TokenConfig& token, const Immutable<HttpSourceConfig>& config, const SourceParts& parts)
      : name_(token.name),
        config_(config),
        capacity_(token.capacity),
        display_(display_url(config_->url)),
        transport_(parts.http),
        clock_(parts.timers.clock()),
        tokens_(parts.tokens),
        random_(parts.random) {}

  Task<FetchedToken> fetch(FetchContext context) override {
    // The fingerprint covers the present secrets; with a nonce the request itself is never the same.
    const std::string request = fingerprint();
    try {
      if (!config_->refresh_token.empty()) {
        AskWithToken ask_with = [this](SecretString presented) { return ask(std::move(presented)); };
        FetchedToken token =
            co_await fetch_by_chain(std::move(context), config_->refresh_token, tokens_, std::move(ask_with));
        co_return token;
      }
      const BuiltRequest sent = request_for(SecretString());
      const BootTime sent_at = clock_.boot_now();
      const HttpResponse response = co_await answer_to(sent, SecretString());
      const WallTime now = clock_.wall_now();
      FetchedToken token = parse_http_answer(response, config_->response, sent.request.display,
                                             wall_time_of(sent_at, clock_), now, sent.secrets);
      check_token(token, name_, capacity_, now);
      co_return token;
    } catch (SourceError& e) {
      e.set_request(request);
      throw;
    }
  }

  [[nodiscard]] std::string fingerprint() const override {
    try {
      NoRandom no_random;
      const SecretString configured = config_->refresh_token.resolve(&tokens_);
      const PresentedToken tokens(tokens_, SecretPart::Kind::refresh_token, configured);
      const HttpRequest request = build_request(config_, {tokens, no_random, WallTime{}}).request;
      SourceFingerprint all("http");
      all.add(method_name(request.method));
      all.add(request.url.reveal());
      for (const HttpHeader& header : request.headers) {
        all.add(header.name);
        all.add(header.value.reveal());
      }
      all.add(request.body.reveal());
      all.add(config_->egress);
      all.add(config_->response, capacity_);
      return all.text();
    } catch (const Error&) {
      return {};
    }
  }

  [[nodiscard]] bool revokes() const override { return config_->revocation.has_value(); }

  Task<> revoke(SecretString token) override {
    const PresentedToken tokens(tokens_, SecretPart::Kind::revoked, token);
    BuiltRequest sent;
    try {
      sent = build_revocation(config_, {tokens, random_, clock_.wall_now()});
    } catch (const Error& e) {
      throw SourceError(SourceError::Kind::transient, std::string("the revocation cannot be sent: ") + e.what());
    }
    const HttpResponse response = co_await answer_to(sent, SecretString());
    const AnswerContent content = content_of(response, config_->response, clock_.wall_now());
    refuse_unless_accepted(response, content, config_->response, "the revocation at " + sent.request.display,
                           sent.secrets);
  }

  [[nodiscard]] std::optional<std::string> describe_request() const override { return std::nullopt; }
  [[nodiscard]] std::string describe() const override { return display_; }

 private:
  Task<RotatingAnswer> ask(SecretString refresh_token) {
    const BuiltRequest sent = request_for(refresh_token);
    const BootTime sent_at = clock_.boot_now();
    const HttpResponse response = co_await answer_to(sent, refresh_token);
    const AnswerContent content = content_of(response, config_->response, clock_.wall_now());
    const AnswerTerms terms{config_->response, response,     wall_time_of(sent_at, clock_), true, false, name_,
                            capacity_,         refresh_token};
    try {
      refuse_unless_accepted(response, content, config_->response, sent.request.display, sent.secrets);
    } catch (const SourceError& e) {
      throw_refusal(e, content, terms);
    }
    RotatingAnswer answer = read_rotating_answer(content, terms);
    co_return answer;
  }

  // `refresh_token`: the one that the request presents; empty if it has none.
  [[nodiscard]] BuiltRequest request_for(const SecretString& refresh_token) const {
    const PresentedToken tokens(tokens_, SecretPart::Kind::refresh_token, refresh_token);
    try {
      return build_request(config_, {tokens, random_, clock_.wall_now()});
    } catch (const Error& e) {
      throw unmade_request(e);
    }
  }

  // `sent` lives until the Task is done.
  Task<HttpResponse> answer_to(const BuiltRequest& sent, SecretString refresh_token) {
    try {
      HttpResponse response = co_await transport_.perform(sent.request);
      co_return response;
    } catch (const HttpError& e) {
      throw failure_of(e, !config_->refresh_token.empty(), refresh_token);
    }
  }

  const std::string name_;
  const Immutable<HttpSourceConfig> config_;
  const std::size_t capacity_;
  const std::string display_;
  HttpTransport& transport_;
  const Clock& clock_;
  const TokenValues& tokens_;
  Random& random_;
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<HttpSourceConfig>& config,
                                    const SourceParts& parts) {
  return std::make_unique<HttpSource>(token, config, parts);
}

}  // namespace jeton::agent
