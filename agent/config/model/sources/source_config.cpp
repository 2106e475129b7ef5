#include "agent/config/model/sources/source_config.hpp"

#include <algorithm>

namespace jeton::agent {

namespace {

using Function = RequestValue::Function;
using PartKind = SecretPart::Kind;

void add(const ParameterTemplates& fields, std::vector<const SecretTemplate*>& texts) {
  for (const auto& [name, values] : fields) {
    for (const SecretTemplate& value : values) texts.push_back(&value);
  }
}

struct LongestFetch {
  Milliseconds operator()(const HttpSourceConfig& config) const {
    return (config.refresh_token.empty() ? 1 : 2) * config.egress.timeout;
  }
  Milliseconds operator()(const ExecSourceConfig& config) const { return config.timeout; }
  Milliseconds operator()(const FileSourceConfig& /*config*/) const { return Milliseconds{0}; }
  Milliseconds operator()(const JwtSourceConfig& /*config*/) const { return Milliseconds{0}; }
  // The current refresh token, and the one before it. An issuer publishes its metadata at one of two places, and is
  // asked again when an endpoint is suspected to have moved.
  Milliseconds operator()(const OAuth2SourceConfig& config) const {
    const int attempts = config.grant == OAuth2SourceConfig::Grant::refresh_token ? 2 : 1;
    const int requests = config.issuer.empty() ? 1 : 3;
    return attempts * requests * config.egress.timeout;
  }
};

}  // namespace

bool takes_key(RequestValue::Function function) {
  return function == Function::hmac_md5 || function == Function::hmac_sha1 || function == Function::hmac_sha256 ||
         function == Function::hmac_sha512 || function == Function::rsa_sha256;
}

bool gives_bytes(RequestValue::Function function) {
  return function != Function::none && function != Function::base64 && function != Function::base64_decode &&
         function != Function::percent_encode && function != Function::xml_escape;
}

bool uses_request_part(const SecretTemplate& text, std::string_view part, const std::vector<RequestValue>& values) {
  return std::any_of(text.parts().begin(), text.parts().end(), [&](const SecretPart& p) {
    if (p.kind == PartKind::request) return p.text == part;
    if (p.kind != PartKind::value) return false;
    const auto value = std::find_if(values.begin(), values.end(), [&p](const auto& v) { return v.name == p.text; });
    return value != values.end() &&
           (uses_request_part(value->of, part, values) || uses_request_part(value->key, part, values));
  });
}

bool uses_request_part(const std::vector<SecretTemplate>& texts, std::string_view part,
                       const std::vector<RequestValue>& values) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const auto& text) { return uses_request_part(text, part, values); });
}

bool body_uses_request_part(const HttpRequestConfig& config, std::string_view part) {
  std::vector<const SecretTemplate*> texts;
  if (config.json) texts = texts_of(*config.json);
  if (config.body) texts.push_back(&*config.body);
  // Values that are made from the body are not in it if the body is a form.
  for (const auto& [name, field] : config.form) {
    if (uses_request_part(field, "body", config.values)) continue;
    for (const SecretTemplate& value : field) texts.push_back(&value);
  }
  return std::any_of(texts.begin(), texts.end(),
                     [&](const SecretTemplate* text) { return uses_request_part(*text, part, config.values); });
}

std::vector<const SecretTemplate*> texts_of(const HttpRequestConfig& config) {
  std::vector<const SecretTemplate*> texts;
  if (config.json) texts = texts_of(*config.json);
  texts.push_back(&config.url);
  if (config.body) texts.push_back(&*config.body);
  add(config.query, texts);
  add(config.form, texts);
  for (const auto& [name, value] : config.headers) texts.push_back(&value);
  return texts;
}

Milliseconds longest_fetch(const SourceConfig& config) { return std::visit(LongestFetch{}, config); }

}  // namespace jeton::agent
