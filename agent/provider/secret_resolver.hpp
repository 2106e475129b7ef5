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
  // Remembers the strings of a JSON document; JsonTemplate writes the document itself.
  void remember_strings(const JsonTemplate& json, std::string_view name);

  // Remembers a secret in the given form and in the forms of a URL and of a form body.
  void remember(SecretString secret);
  [[nodiscard]] std::vector<SecretString> take_secrets() { return std::move(secrets_); }
  [[nodiscard]] const TokenValues& tokens() const { return tokens_; }

 private:
  const TokenValues& tokens_;
  std::vector<SecretString> secrets_;
};

// Checks a URL that may hold a reference, and so could not be checked with the configuration. Throws Error, naming
// `key`, if it is not a valid URL, or is http:// to another host than loopback without allow_http.
void check_request_url(const SecretString& url, bool allow_http, const std::string& key);

// The place where an operator puts a new secret: the first reference in `text`; for a literal, which is not shown, its
// key.
[[nodiscard]] std::string place_of(const SecretTemplate& text, const char* key);

// The URL as messages name it: up to the query, references by their names: "https://host/${file:/etc/x}/token".
[[nodiscard]] std::string display_url(const SecretTemplate& url);

}  // namespace jeton::agent
