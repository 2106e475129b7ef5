// SecretResolver: resolves the configured texts of a source and remembers the values that must never be shown: every
// reference, and a literal under a name that sounds like a secret. One for each request; reads files and environment
// when called.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/model/sources/request_config.hpp"
#include "agent/http/url.hpp"

namespace jeton::agent {

class SecretResolver {
 public:
  explicit SecretResolver(const TokenValues& tokens) : tokens_(tokens) {}

  // Throws Error, without any secret: a reference that cannot be resolved.
  [[nodiscard]] SecretString resolve(const SecretTemplate& text, std::string_view name);
  [[nodiscard]] Parameters resolve(const ParameterTemplates& templates);
  // The strings of a JSON document; itself is JsonTemplate's to write.
  void remember_strings(const JsonTemplate& json, std::string_view name);

  // As it is, and as it is written in a URL or a form.
  void remember(SecretString secret);
  [[nodiscard]] std::vector<SecretString> take_secrets() { return std::move(secrets_); }
  [[nodiscard]] const TokenValues& tokens() const { return tokens_; }

 private:
  const TokenValues& tokens_;
  std::vector<SecretString> secrets_;
};

// Of a URL that may hold a reference, and so could not be checked with the configuration: throws Error, naming `key`,
// if it is none, or is http:// to another host than loopback without allow_http.
void check_request_url(const SecretString& url, bool allow_http, const std::string& key);

// Where a new secret belongs, by the name of the first reference; a literal is not shown, but its key is.
[[nodiscard]] std::string place_of(const SecretTemplate& text, const char* key);

// The URL as messages name it: up to the query, references by their names: "https://host/${file:/etc/x}/token".
[[nodiscard]] std::string display_url(const SecretTemplate& url);

}  // namespace jeton::agent
