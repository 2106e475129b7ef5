#include "agent/provider/secret_resolver.hpp"

#include <utility>
#include <variant>

#include "agent/config/schema/reference_check.hpp"
#include "agent/http/url.hpp"

namespace jeton::agent {
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

void SecretResolver::remember_strings(const JsonTemplate& json, std::string_view name) {
  if (const auto* text = std::get_if<SecretTemplate>(&json.value())) {
    static_cast<void>(resolve(*text, name));
  } else if (const auto* array = std::get_if<JsonTemplate::Array>(&json.value())) {
    for (const JsonTemplate& item : *array) remember_strings(item, name);
  } else if (const auto* object = std::get_if<JsonTemplate::Object>(&json.value())) {
    for (const auto& [key, item] : *object) remember_strings(item, key);
  }
}

void SecretResolver::remember(SecretString secret) {
  SecretString encoded = percent_encoded(secret.reveal());
  if (encoded.size() != secret.size()) secrets_.push_back(std::move(encoded));
  SecretString escaped = json_escaped(secret.reveal());
  if (escaped.size() != secret.size()) secrets_.push_back(std::move(escaped));
  secrets_.push_back(std::move(secret));
}

}  // namespace jeton::agent
