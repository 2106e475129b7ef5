#include "agent/provider/jwt/jwt_source.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "agent/config/secrets/json_template.hpp"
#include "agent/jwt/jwt_claims.hpp"
#include "agent/jwt/jwt_signer.hpp"
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

}  // namespace

JwtSource::JwtSource(std::string name, const Immutable<JwtSourceConfig>& config, std::size_t capacity, Timers& timers,
                     const TokenValues& tokens, Random& random)
    : name_(std::move(name)), config_(config), capacity_(capacity), timers_(timers), tokens_(tokens), random_(random) {
  std::vector<std::string> paths = files_of(config_);
  if (!paths.empty()) watch_ = std::make_unique<PathWatch>(timers_, std::move(paths), [this] { look(); });
}

Task<FetchedToken> JwtSource::fetch(FetchContext /*context*/) {
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

FetchedToken JwtSource::mint() const {
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
    const auto times = read_jwt_times(token.value.reveal());
    if (times && times->expires_at) token.expires_at = std::min(token.expires_at, *times->expires_at);
  } catch (const Error& e) {
    throw SourceError(Kind::transient, std::string("no token can be signed: ") + e.what());
  }
  return token;
}

std::string JwtSource::fingerprint() const {
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

void JwtSource::on_change(std::function<void()> changed) {
  changed_ = std::move(changed);
  last_request_ = fingerprint();
}

// A file was touched; its content may still be the same.
void JwtSource::look() {
  if (!changed_ || watch_->being_written()) return;
  const std::string request = fingerprint();
  if (request.empty() || request == last_request_) return;
  last_request_ = request;
  changed_();
}

std::string JwtSource::describe() const {
  return "jwt " + std::string(name_of(config_->algorithm)) +
         (config_->key_id.empty() ? "" : ", key " + config_->key_id);
}

}  // namespace jeton::agent
