#include "agent/provider/secret_resolver.hpp"

#include "agent/base/error.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

SecretString SecretResolver::resolve(const SecretTemplate& text, std::string_view name) {
  SecretString out;
  for (const SecretTemplate::Part& part : text.parts()) {
    if (part.kind == SecretTemplate::Part::Kind::literal) {
      if (sounds_secret(name)) remember(SecretString(part.text));
      out.append(part.text);
    } else {
      const SecretString resolved = SecretTemplate({part}).resolve(&tokens_);
      if (is_secret(part.kind)) remember(resolved);
      out.append(resolved.reveal());
    }
  }
  return out;
}

Parameters SecretResolver::resolve(const ParameterTemplates& templates) {
  Parameters parameters;
  for (const auto& [name, texts] : templates) {
    for (const SecretTemplate& text : texts) parameters.emplace_back(name, resolve(text, name));
  }
  return parameters;
}

void SecretResolver::remember_strings(const JsonTemplate& json, std::string_view name) {
  if (const auto* text = std::get_if<SecretTemplate>(&json.value())) {
    static_cast<void>(resolve(*text, name));
  } else if (const auto* array = std::get_if<JsonTemplate::Array>(&json.value())) {
    for (const JsonTemplate& item : *array) remember_strings(item, name);
  } else if (const auto* object = std::get_if<JsonTemplate::Object>(&json.value())) {
    for (const auto& [key, item] : *object) remember_strings(item, key);
  }
}

namespace {

// The text as it is written inside a JSON string.
SecretString json_escaped(std::string_view text) {
  SecretString out;
  for (const char& c : text) {
    if (c == '"' || c == '\\') out.append("\\");
    out.append({&c, 1});
  }
  return out;
}

}  // namespace

void SecretResolver::remember(SecretString secret) {
  SecretString encoded = percent_encoded(secret.reveal());
  if (encoded.size() != secret.size()) secrets_.push_back(std::move(encoded));
  SecretString escaped = json_escaped(secret.reveal());
  if (escaped.size() != secret.size()) secrets_.push_back(std::move(escaped));
  secrets_.push_back(std::move(secret));
}

void check_request_url(const SecretString& text, bool allow_http, const std::string& key) {
  HttpUrl url;
  try {
    url = parse_http_url(text.reveal());
  } catch (const Error& e) {
    throw Error(key + ": " + e.what());
  }
  if (!url.tls && !url.loopback() && !allow_http) {
    throw Error(key + " is http:// to " + url.host +
                ", which would show its secrets to the network; use https:// or set source.allow_http");
  }
}

std::string place_of(const SecretTemplate& text, const char* key) {
  for (const SecretTemplate::Part& part : text.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) return SecretTemplate::reference_text(part);
  }
  return key;
}

std::string display_url(const SecretTemplate& url) {
  std::string text;
  for (const SecretTemplate::Part& part : url.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) {
      text += SecretTemplate::reference_text(part);
      continue;
    }
    const std::size_t end = part.text.find_first_of("?#");
    text += part.text.substr(0, end);
    if (end != std::string::npos) break;
  }
  return text;
}

}  // namespace jeton::agent
