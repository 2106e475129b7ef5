// SecretTemplate: a config string that may refer to secrets: "Bearer ${file:/etc/jeton/key}". Kinds: ${file:PATH},
// ${env:NAME}, ${credential:NAME} (systemd credentials, $CREDENTIALS_DIRECTORY) and, in the source of a token only,
// ${token:NAME}: the value of another token of this host. Resolved at every use, so a replaced secret file is picked up
// by the next fetch without a reload. $${ is a literal ${.
//
// In the request of a source (reference_check.hpp) also values that are new in every request: ${now:FORMAT}
// (request_formats.hpp), ${nonce:uuid} and ${nonce:hexN} (N digits), ${value:NAME} (a named value of the request),
// ${request:PART} (method, host, path, query or body of the request itself), ${refresh_token}, and ${revoked}: the
// token to revoke.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

struct SecretPart {
  enum class Kind { literal, file, env, credential, token, revoked, refresh_token, now, nonce, value, request };
  Kind kind = Kind::literal;
  std::string text;  // the literal itself, the path, the name or the format
  bool operator==(const SecretPart&) const = default;
};

// Whether its value must not be shown by itself: true for all but literals and values made for one request.
[[nodiscard]] constexpr bool is_secret(SecretPart::Kind kind) {
  using Kind = SecretPart::Kind;
  return kind == Kind::file || kind == Kind::env || kind == Kind::credential || kind == Kind::token ||
         kind == Kind::revoked || kind == Kind::refresh_token;
}

// The tokens of this host, for ${token:NAME}, and the values that exist in one request only.
class TokenValues {
 public:
  TokenValues() = default;
  TokenValues(const TokenValues&) = delete;
  TokenValues& operator=(const TokenValues&) = delete;
  virtual ~TokenValues() = default;

  // Nothing if there is no valid one now.
  [[nodiscard]] virtual std::optional<SecretString> token_value(const std::string& name) const = 0;
  // The value of a reference of a kind other than file, env, credential and token; nothing: it is not allowed here.
  [[nodiscard]] virtual std::optional<SecretString> request_value(const SecretPart& /*part*/) const {
    return std::nullopt;
  }
};

class SecretTemplate {
 public:
  using Part = SecretPart;

  SecretTemplate() = default;
  explicit SecretTemplate(std::vector<Part> parts) : parts_(std::move(parts)) {}
  // A string without any reference.
  static SecretTemplate literal(std::string text);
  // Throws Error("unknown reference ${foo:...}; use ${file:PATH}, ${env:NAME}, ${credential:NAME} or
  // ${token:NAME}"), and for a reference without an end, a path that is not absolute, a name or a format that cannot be
  // one.
  static SecretTemplate parse(std::string_view text);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] bool has_reference() const;
  [[nodiscard]] bool has(Part::Kind kind) const;
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

  // How a message names a reference: "${file:/etc/jeton/key}"; with a space for a control
  // character, and three dots for the end of a long text.
  [[nodiscard]] static std::string reference_text(const Part& part);

  // Reads files and environment now; line ends at the end are dropped (secret_file.hpp). Throws Error naming the
  // reference, never its content: "${file:/etc/jeton/key}: No such file or directory".
  //
  // `tokens`: where the other references are looked up; null: such a reference is an Error.
  [[nodiscard]] SecretString resolve(const TokenValues* tokens = nullptr) const;

  bool operator==(const SecretTemplate&) const = default;

 private:
  std::vector<Part> parts_;
};

}  // namespace jeton::agent
