// The source of type `jwt`: the agent mints the token and signs it itself; no provider is called.
//
// The key is read again for every token. When a file that the key or a claim refers to is replaced, a new token is
// minted (within refresh.min_interval). One thread: the loop's.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/secrets/json_template.hpp"
#include "agent/jwt/jwt_claims.hpp"
#include "agent/jwt/jwt_signer.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/path_watch.hpp"
#include "agent/provider/source_fingerprint.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr std::size_t token_id_bytes = 16;

JsonTemplate json_text(std::string value) { return JsonTemplate(SecretTemplate::literal(std::move(value))); }

JsonTemplate number_of_seconds(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch();
  return JsonTemplate(JsonTemplate::Number{std::to_string(whole.count())});
}

bool has_member(const JsonTemplate::Object& object, std::string_view name) {
  return std::any_of(object.begin(), object.end(), [&](const auto& member) { return member.first == name; });
}

JsonTemplate header_of(const JwtSourceConfig& config) {
  JsonTemplate::Object header{{"alg", json_text(std::string(name_of(config.algorithm)))}};
  if (!has_member(config.header, "typ")) header.emplace_back("typ", json_text("JWT"));
  if (!config.key_id.empty()) header.emplace_back("kid", json_text(config.key_id));
  header.insert(header.end(), config.header.begin(), config.header.end());
  return JsonTemplate(std::move(header));
}

// The files that the key, the header and the claims refer to.
std::vector<std::string> files_of(const JwtSourceConfig& config) {
  std::vector<std::string> paths;
  const auto add = [&paths](const SecretTemplate& text) {
    for (const SecretTemplate::Part& part : text.parts()) {
      if (part.kind == SecretTemplate::Part::Kind::file) paths.push_back(part.text);
    }
  };
  add(config.key);
  for (const JsonTemplate& json : {JsonTemplate(config.header), JsonTemplate(config.claims)}) {
    for (const SecretTemplate* const text : texts_of(json)) add(*text);
  }
  return paths;
}

class JwtSource final : public Source {
 public:
  JwtSource(const TokenConfig& token, const Immutable<JwtSourceConfig>& config, const SourceParts& parts)
      : name_(token.name),
        config_(config),
        capacity_(token.capacity),
        timers_(parts.timers),
        tokens_(parts.tokens),
        random_(parts.random) {
    std::vector<std::string> paths = files_of(config_);
    if (!paths.empty()) watch_ = std::make_unique<PathWatch>(timers_, std::move(paths), [this] { look(); });
  }

  Task<FetchedToken> fetch(FetchContext /*context*/) override {
    last_request_ = fingerprint();
    try {
      FetchedToken token = mint();
      check_token(token, name_, capacity_, timers_.clock().wall_now());
      co_return token;
    } catch (SourceError& e) {
      e.set_request(last_request_);
      throw;
    }
  }

  // It covers key, header, claims and capacity, but not the times.
  [[nodiscard]] std::string fingerprint() const override {
    try {
      SourceFingerprint all("jwt");
      all.add(config_->key.resolve(&tokens_).reveal());
      all.add(header_of(config_).resolve(&tokens_).reveal());
      all.add(JsonTemplate(config_->claims).resolve(&tokens_).reveal());
      all.add(std::to_string(capacity_));
      return all.text();
    } catch (const Error&) {
      return {};
    }
  }

  void on_change(std::function<void()> changed) override {
    changed_ = std::move(changed);
    last_request_ = fingerprint();
  }

  [[nodiscard]] std::string describe() const override {
    return "jwt " + std::string(name_of(config_->algorithm)) +
           (config_->key_id.empty() ? "" : ", key " + config_->key_id);
  }

 private:
  [[nodiscard]] FetchedToken mint() const {
    SecretString key;
    try {
      key = config_->key.resolve(&tokens_);
    } catch (const Error& e) {
      // Transient: a key that is missing now may be there at the next attempt.
      throw SourceError(Kind::transient, std::string("no token can be signed: ") + e.what());
    }
    std::unique_ptr<const JwtSigner> signer;
    try {
      signer = std::make_unique<const JwtSigner>(config_->algorithm, key);
    } catch (const Error& e) {
      throw SourceError(Kind::permanent, std::string("source.key cannot be used: ") + e.what());
    }
    const WallTime now = timers_.clock().wall_now();
    FetchedToken token;
    token.type = "Bearer";
    token.issued_at = now;
    // Whole seconds, as in the claim.
    token.expires_at = std::chrono::floor<std::chrono::seconds>(now) + config_->lifetime;
    JsonTemplate::Object claims = config_->claims;
    if (config_->issued_at) claims.emplace_back("iat", number_of_seconds(now - config_->backdate));
    if (config_->expires_at) claims.emplace_back("exp", number_of_seconds(token.expires_at));
    if (config_->token_id) claims.emplace_back("jti", json_text(random_.hex(token_id_bytes)));
    try {
      const SecretString header = header_of(config_).resolve(&tokens_);
      const SecretString body = JsonTemplate(std::move(claims)).resolve(&tokens_);
      token.value = signer->sign(header.reveal(), body.reveal());
      // An exp that is one of the claims.
      token.expires_at = std::min(token.expires_at, jwt_expiry(token.value.reveal()).value_or(token.expires_at));
    } catch (const Error& e) {
      throw SourceError(Kind::transient, std::string("no token can be signed: ") + e.what());
    }
    return token;
  }

  // A file was touched; its content may still be the same.
  void look() {
    if (!changed_ || watch_->being_written()) return;
    const std::string request = fingerprint();
    if (request.empty() || request == last_request_) return;
    last_request_ = request;
    changed_();
  }

  const std::string name_;
  const Immutable<JwtSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;
  Random& random_;
  std::string last_request_;  // fingerprint() of the last attempt
  std::function<void()> changed_;
  std::unique_ptr<PathWatch> watch_;  // null: no file to watch
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<JwtSourceConfig>& config,
                                    const SourceParts& parts) {
  return std::make_unique<JwtSource>(token, config, parts);
}

}  // namespace jeton::agent
