// SecretTemplate: a config string that may refer to secrets: "Bearer ${file:/etc/jeton/key}". Kinds: ${file:PATH},
// ${env:NAME}, ${credential:NAME} (systemd credentials, $CREDENTIALS_DIRECTORY) and, in the source of a token only,
// ${token:NAME}: the value of another token of this host; and in source.revocation only, ${revoked}: the token to
// revoke. Resolved at every use, so a replaced secret file is picked up by the next fetch without a reload. $${ is a
// literal ${.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// The tokens of this host, for ${token:NAME}.
class TokenValues {
 public:
  TokenValues() = default;
  TokenValues(const TokenValues&) = delete;
  TokenValues& operator=(const TokenValues&) = delete;
  virtual ~TokenValues() = default;

  // Nothing if there is no valid one now.
  [[nodiscard]] virtual std::optional<SecretString> token_value(const std::string& name) const = 0;
  // What ${revoked} stands for; nothing unless a token is being revoked.
  [[nodiscard]] virtual std::optional<SecretString> revoked_value() const { return std::nullopt; }
};

class SecretTemplate {
 public:
  struct Part {
    enum class Kind { literal, file, env, credential, token, revoked };
    Kind kind = Kind::literal;
    std::string text;  // the literal itself, the path or the name
    bool operator==(const Part&) const = default;
  };

  SecretTemplate() = default;
  explicit SecretTemplate(std::vector<Part> parts) : parts_(std::move(parts)) {}
  // A string without any reference.
  static SecretTemplate literal(std::string text);
  // Throws Error("unknown reference ${foo:...}; use ${file:PATH}, ${env:NAME}, ${credential:NAME} or
  // ${token:NAME}"), and for a reference without an end, a path that is not absolute and a name that cannot be one.
  static SecretTemplate parse(std::string_view text);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] bool has_reference() const;
  [[nodiscard]] bool has(Part::Kind kind) const;
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

  // How a message names a reference: "${file:/etc/jeton/key}".
  [[nodiscard]] static std::string reference_text(const Part& part);

  // Reads files and environment now; line ends at the end are dropped (secret_file.hpp). Throws Error naming the
  // reference, never its content: "${file:/etc/jeton/key}: No such file or directory".
  //
  // `tokens`: where ${token:NAME} and ${revoked} are looked up; null: such a reference is an Error.
  [[nodiscard]] SecretString resolve(const TokenValues* tokens = nullptr) const;

  bool operator==(const SecretTemplate&) const = default;

 private:
  std::vector<Part> parts_;
};

}  // namespace jeton::agent
