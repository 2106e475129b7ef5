// Everything that the configuration refers to: secrets, files, accounts, other tokens. It is collected while the
// configuration is read, and checked once everything is read, so that mistakes are found before the first use.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/schema/tls_check.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// The use of a secret, which decides what it may hold besides text. A credential has no line ends at its end, whether a
// reference or the configuration itself has the text.
enum class SecretUse { any, credential, header, json, seal_key };

struct SecretReference {
  Place place;
  SecretTemplate secret;
  SecretUse use = SecretUse::any;
  std::string token{};  // the token whose source contains it; empty: elsewhere
};

// A user or group of this host.
struct AccountReference {
  enum class Kind { user, group };
  Place place;
  Kind kind = Kind::user;
  std::string name;
};

// A file of TLS, which is used as it is.
struct FileReference {
  Place place;
  std::filesystem::path file;
  std::string token{};  // as above
  TlsUse use = TlsUse::authorities;
  std::filesystem::path certificate{};  // of a key
};

// An output of a token, to be compared with all others (output_schema.cpp).
struct OutputReference {
  Place place;           // of its path
  Place template_place;  // of its content
  std::string token;
  std::filesystem::path path;
  std::set<std::string> others{};  // the other tokens that its content names
};

// The references that are permitted in the request that is being read; most kinds have a meaning in some places only.
struct RequestReferences {
  bool values_and_parts = true;  // ${value:...} and ${request:...}
  std::set<std::string> values{};
  bool refresh_token = false;
  bool revoked = false;
};

// The data that is collected while one configuration is read.
struct Reading {
  Problems& problems;
  std::vector<SecretReference> secrets{};
  std::vector<AccountReference> accounts{};
  std::vector<FileReference> files{};
  std::vector<OutputReference> outputs{};
  std::map<std::string, std::string> redis_keys{};  // keys that the user chose, each with the path that names it
  std::string token{};                              // the token whose source is being read
  const RequestReferences* request = nullptr;       // of the request of a source, while that is being read
  std::vector<std::string>* paths = nullptr;        // if set, the schema is listed here: "tokens.*.source.url"
};

// Whether a key of this name usually holds a secret ("client_secret", "Authorization", "api-key").
[[nodiscard]] bool sounds_secret(std::string_view key);

// Why one of the references in `text` has no meaning in its place; nothing if all have one. `request`: the request that
// `text` is a part of; null: it is elsewhere.
[[nodiscard]] std::optional<std::string> misplaced_reference(const SecretTemplate& text,
                                                             const RequestReferences* request);

// Reads every reference now. Reports an error for each secret that cannot be read or does not suit its use, and a
// warning for each file that other users can read.
void check_secrets(const std::vector<SecretReference>& references, Problems& problems);

// Each must be a file, there, readable and of use. Warns of a key that others can read, or that belongs to another
// certificate: they may be replaced one after the other.
void check_files(const std::vector<FileReference>& references, Problems& problems);

// Each user and group must exist, or the agent could not grant what the configuration says.
void check_accounts(const std::vector<AccountReference>& references, Problems& problems);

// Chains: tokens whose source uses another token by ${token:NAME}. Each name must be a token of this configuration, and
// no chain may lead back to its start: it would wait for itself. Also fills in TokenConfig::uses.
void check_chains(const std::vector<SecretReference>& references, std::map<std::string, TokenConfig>& tokens,
                  Problems& problems);

}  // namespace jeton::agent
