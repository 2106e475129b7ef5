// SecretResolver: resolves the configured texts of a source and remembers the values that must never be shown: every
// reference, and a literal under a name that sounds like a secret. One for each request; reads files and environment
// when called.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

class SecretResolver {
 public:
  explicit SecretResolver(const TokenValues& tokens) : tokens_(tokens) {}

  // Throws Error, without any secret: a reference that cannot be resolved.
  [[nodiscard]] SecretString resolve(const SecretTemplate& text, std::string_view name);
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

}  // namespace jeton::agent
