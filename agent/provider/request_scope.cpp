#include "agent/provider/request_scope.hpp"

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/request_formats.hpp"
#include "agent/jwt/base64url.hpp"
#include "agent/jwt/digest.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {
namespace {

using PartKind = SecretPart::Kind;
using Function = RequestValue::Function;
using Form = RequestValue::Form;

SecretString xml_escaped(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 5> escapes{
      {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}}};
  SecretString out;
  for (const char& c : text) {
    const auto escape = std::find_if(escapes.begin(), escapes.end(), [&c](const auto& one) { return one.first == c; });
    out.append(escape == escapes.end() ? std::string_view(&c, 1) : escape->second);
  }
  return out;
}

// Decodes either alphabet, with padding or without.
SecretString base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  SecretString url_safe;
  for (const char& c : text) url_safe.append(c == '+' ? "-" : c == '/' ? "_" : std::string_view(&c, 1));
  const auto bytes = base64url_decode(url_safe.reveal());
  if (!bytes) throw Error("the text is not base64");
  return *bytes;
}

SecretString in_form(Form form, const SecretString& bytes) {
  switch (form) {
    case Form::hex:
      return hex_encoded(bytes.reveal(), HexCase::lower);
    case Form::upper_hex:
      return hex_encoded(bytes.reveal(), HexCase::upper);
    case Form::base64:
      return base64_encoded(bytes.reveal());
    case Form::base64url:
      return SecretString(base64url_encode(bytes.reveal()));
    case Form::bytes:
      return bytes;
  }
  return {};
}

// The result of the function of `value` for a text and a key. Throws Error, without any of them, for an unsuitable key.
SecretString apply_function(const RequestValue& value, const SecretString& text, const SecretString& key) {
  switch (value.function) {
    case Function::none:
      return text;
    case Function::md5:
      return in_form(value.form, digest_of(Digest::md5, text.reveal()));
    case Function::sha1:
      return in_form(value.form, digest_of(Digest::sha1, text.reveal()));
    case Function::sha256:
      return in_form(value.form, digest_of(Digest::sha256, text.reveal()));
    case Function::sha512:
      return in_form(value.form, digest_of(Digest::sha512, text.reveal()));
    case Function::hmac_md5:
      return in_form(value.form, hmac_of(Digest::md5, key, text.reveal()));
    case Function::hmac_sha1:
      return in_form(value.form, hmac_of(Digest::sha1, key, text.reveal()));
    case Function::hmac_sha256:
      return in_form(value.form, hmac_of(Digest::sha256, key, text.reveal()));
    case Function::hmac_sha512:
      return in_form(value.form, hmac_of(Digest::sha512, key, text.reveal()));
    case Function::rsa_sha256:
      return in_form(value.form, JwtSigner(JwtAlgorithm::rs256, key).signature(text.reveal()));
    case Function::base64:
      return base64_encoded(text.reveal());
    case Function::base64_decode:
      return base64_decoded(text.reveal());
    case Function::percent_encode:
      return percent_encoded(text.reveal());
    case Function::xml_escape:
      return xml_escaped(text.reveal());
  }
  return {};
}

// The value that libcurl writes into the header Host.
std::string host_of(const HttpUrl& url) {
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  return url.port == (url.tls ? 443 : 80) ? host : host + ":" + std::to_string(url.port);
}

bool is_made_of_secrets(const RequestValue& value, const std::vector<RequestValue>& values);

// Query and body may hold any.
bool may_hold_secret(const SecretPart& part, const std::vector<RequestValue>& values) {
  if (part.kind == PartKind::request) return part.text == "query" || part.text == "body";
  if (part.kind != PartKind::value) return is_secret(part.kind);
  const auto value = std::find_if(values.begin(), values.end(), [&part](const auto& v) { return v.name == part.text; });
  return value != values.end() && is_made_of_secrets(*value, values);
}

bool is_made_of_secrets(const RequestValue& value, const std::vector<RequestValue>& values) {
  return takes_key(value.function) ||
         std::any_of(value.of.parts().begin(), value.of.parts().end(),
                     [&](const SecretPart& part) { return may_hold_secret(part, values); });
}

}  // namespace

std::optional<SecretString> RequestScope::request_value(const SecretPart& reference) const {
  switch (reference.kind) {
    case PartKind::now:
      return SecretString(format_time(reference.text, terms_.now));
    case PartKind::nonce:
      return SecretString(make_nonce(reference.text, terms_.random));
    case PartKind::value:
      return named_value(reference.text);
    case PartKind::request:
      return config_ == nullptr ? std::nullopt : std::optional(part(reference.text));
    default:
      return terms_.tokens.request_value(reference);
  }
}

std::optional<SecretString> RequestScope::named_value(const std::string& name) const {
  if (const auto known = values_.find(name); known != values_.end()) return known->second;
  if (config_ == nullptr) return std::nullopt;
  const auto value = std::find_if(config_->values.begin(), config_->values.end(),
                                  [&name](const RequestValue& v) { return v.name == name; });
  if (value == config_->values.end()) return std::nullopt;
  const SecretString text = resolver_.resolve(value->of, value->name);
  const SecretString key = resolver_.resolve(value->key, "");
  SecretString made;
  try {
    made = apply_function(*value, text, key);
  } catch (const Error& e) {
    throw Error("values." + name + ": " + e.what());
  }
  // The result of a function of a secret may be as useful as the secret, or reveal it.
  const bool called = value->function != Function::none;
  if (called && !made.empty() && is_made_of_secrets(*value, config_->values)) resolver_.remember(made);
  values_.emplace(name, made);
  return made;
}

SecretString RequestScope::part(const std::string& name) const {
  const auto [known, is_new] = parts_.try_emplace(name);
  if (!is_new) {
    if (known->second) return *known->second;
    throw Error("${request:" + name + "}: it refers to itself");
  }
  try {
    SecretString made = make_part(name);
    parts_[name] = made;
    return made;
  } catch (...) {
    parts_.erase(name);
    throw;
  }
}

SecretString RequestScope::make_part(const std::string& name) const {
  if (name == "method") return SecretString(config_->method);
  if (name == "body") {
    return config_->form.empty() ? body() : encode_parameters(parameters(config_->form, "body"));
  }
  if (name == "query") {
    const SecretString whole = with_query(url(), parameters(config_->query, "query"));
    const std::size_t begin = whole.reveal().find('?');
    return begin == std::string_view::npos ? SecretString() : SecretString(whole.reveal().substr(begin + 1));
  }
  const HttpUrl parts = parse_http_url(url().reveal());
  return SecretString(name == "host" ? host_of(parts) : parts.path);
}

const SecretString& RequestScope::url() const { return once(config_->url, "url"); }

// Made once, so that the signed text is the sent text, nonces included.
const SecretString& RequestScope::once(const SecretTemplate& text, std::string_view name) const {
  const auto known = resolved_.find(&text);
  if (known != resolved_.end()) return known->second;
  return resolved_.emplace(&text, resolver_.resolve(text, name)).first->second;
}

SecretString RequestScope::body() const {
  if (config_->body) return once(*config_->body, "");
  if (!config_->json) return {};
  if (!json_) {
    resolver_.remember_strings(*config_->json, "");
    json_ = config_->json->resolve(this);
  }
  return *json_;
}

Parameters RequestScope::parameters(const ParameterTemplates& fields, std::string_view part) const {
  Parameters result;
  for (const auto& [name, values] : fields) {
    if (!part.empty() && uses_request_part(values, part, config_->values)) continue;
    for (const SecretTemplate& value : values) result.emplace_back(name, once(value, name));
  }
  return result;
}

std::vector<std::pair<std::string, SecretString>> RequestScope::used_values() const {
  std::vector<std::pair<std::string, SecretString>> used;
  for (const RequestValue& value : config_->values) {
    if (const auto made = values_.find(value.name); made != values_.end()) used.emplace_back(*made);
  }
  return used;
}

}  // namespace jeton::agent
