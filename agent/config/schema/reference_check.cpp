#include "agent/config/schema/reference_check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "agent/base/accounts.hpp"
#include "agent/base/ascii.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using PartKind = SecretPart::Kind;

constexpr std::array<std::string_view, 12> endings{"secret",    "password",   "passwd",        "passphrase",
                                                   "token",     "apikey",     "accesskey",     "privatekey",
                                                   "signature", "credential", "authorization", "assertion"};

// The value of a reference exists before the agent runs.
bool can_be_read(const SecretPart& part) {
  return part.kind == PartKind::literal || part.kind == PartKind::file || part.kind == PartKind::env ||
         part.kind == PartKind::credential;
}

// systemd gives them to the user of the service by an access list, for which their mode has 0440.
bool is_credential(const std::string& path) {
  const char* const given = environment_variable("CREDENTIALS_DIRECTORY");
  return is_below(path, "/run/credentials") || (given != nullptr && is_below(path, given));
}

// `name`: of the file, in the warning.
void warn_if_readable_by_others(const std::string& path, const std::string& name, const Place& place,
                                Problems& problems) {
  if (is_credential(path)) return;
  const auto status = bounded_stat(path);
  if (!status || (status->st_mode & (S_IRGRP | S_IROTH)) == 0) return;
  problems.warning(place, name + " can be read by " + ((status->st_mode & S_IROTH) != 0 ? "every user" : "its group") +
                              "; set its mode to 0600 and its owner to the agent's user");
}

// "jeton-seal-1:" and 32 bytes in base64; no check can show whether the bytes are a key.
bool is_seal_key(std::string_view text) {
  constexpr std::string_view prefix = "jeton-seal-1:";
  return text.starts_with(prefix) && text.size() == prefix.size() + 44 && text.ends_with('=');
}

// Why the resolved text does not suit its use; nullptr if it does.
const char* unsuitable(std::string_view text, SecretUse use) {
  if (use == SecretUse::json && !is_utf8(text)) return "the secret is not UTF-8 text and cannot be sent in JSON";
  if (use == SecretUse::seal_key && !is_seal_key(text)) {
    return "the file holds no seal key; make one with jeton-agent keygen and copy the whole file";
  }
  if (use == SecretUse::header && has_control_characters(text)) {
    return "the secret holds a line break or control character and cannot be sent in a header";
  }
  return nullptr;
}

std::string unknown_value(const std::string& name, const std::set<std::string>& values) {
  std::string text = "no value above it has the name " + name;
  if (values.empty()) return text + "; add it to values";
  const std::vector<std::string_view> names(values.begin(), values.end());
  if (const auto meant = nearest(name, names)) return text + "; did you mean " + std::string(*meant) + "?";
  text += "; the values above it are";
  for (const std::string_view known : names) text += (known == names.front() ? " " : ", ") + std::string(known);
  return text;
}

std::optional<std::string> complaint(const SecretPart& part, const RequestReferences* request) {
  switch (part.kind) {
    case PartKind::revoked:
      if (request != nullptr && request->revoked) return std::nullopt;
      return "is allowed only in source.revocation; use ${token:NAME} for the value of a token";
    case PartKind::refresh_token:
      if (request != nullptr && request->refresh_token) return std::nullopt;
      return "is allowed only in the request of a source of type http that has refresh_token";
    case PartKind::now:
    case PartKind::nonce:
      if (request != nullptr) return std::nullopt;
      return "is new in every request, and is allowed only in the request of a source of type http or oauth2";
    case PartKind::value:
    case PartKind::request:
      if (request == nullptr || !request->values_and_parts) {
        return "is allowed only in the request of a source of type http";
      }
      if (part.kind == PartKind::request || request->values.contains(part.text)) return std::nullopt;
      return unknown_value(part.text, request->values);
    default:
      return std::nullopt;
  }
}

// Empty: the file can be used.
std::string why_unusable(TlsUse use, const std::filesystem::path& file) {
  const std::string name = file.string();
  std::string why = why_inaccessible(file, R_OK);
  if (!why.empty()) return why;
  const auto status = bounded_stat(name);
  if (status && S_ISDIR(status->st_mode)) return name + " is a directory; name a file in it";
  if (status && !S_ISREG(status->st_mode)) return name + " is not a regular file";
  try {
    const std::string fault = bounded(name, [use, file] { return fault_of_tls_file(use, file); });
    return fault.empty() ? std::string() : name + ": " + fault;
  } catch (const Error& e) {
    return e.what();
  }
}

// A key and a certificate that can be used.
void check_key(const FileReference& key, Problems& problems) {
  const std::string name = key.file.string();
  try {
    const auto compare = [file = key.file, certificate = key.certificate] { return is_key_of(file, certificate); };
    if (bounded(name, compare)) return;
    problems.warning(key.place, name + " is not the key of the certificate " + key.certificate.string());
  } catch (const Error& e) {
    problems.error(key.place, e.what());
  }
}

using Tokens = std::map<std::string, TokenConfig>;
using TokenPath = std::vector<std::string>;

// From `at` to `goal`, both included; empty: there is none.
TokenPath path_to(const std::string& goal, const Tokens& tokens, const std::string& at, std::set<std::string>& seen) {
  if (at == goal) return {goal};
  const auto token = tokens.find(at);
  if (token == tokens.end() || !seen.insert(at).second) return {};
  for (const std::string& next : token->second.uses) {
    TokenPath rest = path_to(goal, tokens, next, seen);
    if (rest.empty()) continue;
    rest.insert(rest.begin(), at);
    return rest;
  }
  return {};
}

void check_uses(const SecretReference& reference, const std::string& used, Tokens& tokens, Problems& problems) {
  const std::string text = "${token:" + used + "}";
  const auto user = tokens.find(reference.token);
  if (user == tokens.end()) {
    problems.error(reference.place, text + ": a token can be used in the source of another token only");
  } else if (!tokens.contains(used)) {
    std::string known;
    for (const auto& [name, token] : tokens) {
      if (name != reference.token) known += (known.empty() ? "" : ", ") + name;
    }
    problems.error(reference.place, text + ": there is no token with that name" +
                                        (known.empty() ? std::string() : "; the other tokens are " + known));
  } else {
    user->second.uses.insert(used);
  }
}

}  // namespace

bool sounds_secret(std::string_view key) {
  const std::string name = plain_letters(key);
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

std::optional<std::string> misplaced_reference(const SecretTemplate& text, const RequestReferences* request) {
  for (const SecretPart& part : text.parts()) {
    if (const auto why = complaint(part, request)) return SecretTemplate::reference_text(part) + ": " + *why;
  }
  return std::nullopt;
}

void check_files(const std::vector<FileReference>& references, Problems& problems) {
  std::map<std::pair<TlsUse, std::filesystem::path>, std::string> faults;  // thousands of tokens may share a file
  const auto fault_of = [&faults](TlsUse use, const std::filesystem::path& file) {
    const auto [known, is_new] = faults.try_emplace({use, file});
    if (is_new) known->second = why_unusable(use, file);
    return known->second;
  };
  for (const FileReference& reference : references) {
    const std::string why = fault_of(reference.use, reference.file);
    if (!why.empty()) {
      problems.error(reference.place, why);
    } else if (reference.use == TlsUse::key) {
      const std::string name = reference.file.string();
      warn_if_readable_by_others(name, name, reference.place, problems);
      if (!reference.certificate.empty() && fault_of(TlsUse::certificate, reference.certificate).empty()) {
        check_key(reference, problems);
      }
    }
  }
}

void check_secrets(const std::vector<SecretReference>& references, Problems& problems) {
  for (const SecretReference& reference : references) {
    try {
      SecretString secret;
      bool whole = true;
      for (const SecretPart& part : reference.secret.parts()) {
        if (can_be_read(part)) secret.append(SecretTemplate({part}).resolve().reveal());
        whole = whole && can_be_read(part);
      }
      const char* why = whole ? unsuitable(secret.reveal(), reference.use) : nullptr;
      if (why != nullptr) problems.error(reference.place, why);
    } catch (const Error& e) {
      problems.error(reference.place, std::string("cannot read the secret ") + e.what());
    }
    for (const SecretPart& part : reference.secret.parts()) {
      if (part.kind != PartKind::file) continue;
      warn_if_readable_by_others(part.text, SecretTemplate::reference_text(part), reference.place, problems);
    }
  }
}

void check_accounts(const std::vector<AccountReference>& references, Problems& problems) {
  for (const AccountReference& reference : references) {
    const bool user = reference.kind == AccountReference::Kind::user;
    if (user ? find_user(reference.name) : find_group(reference.name)) continue;
    const std::string kind = user ? "user" : "group";
    problems.error(reference.place, "there is no " + kind + " " + in_quotes(reference.name) +
                                        " on this host; create it, or remove it from the " + kind + "s");
  }
}

void check_chains(const std::vector<SecretReference>& references, Tokens& tokens, Problems& problems) {
  const auto each_token_part = [&](const auto& what) {
    for (const SecretReference& reference : references) {
      for (const SecretPart& part : reference.secret.parts()) {
        if (part.kind == PartKind::token) what(reference, part.text);
      }
    }
  };
  each_token_part([&](const SecretReference& reference, const std::string& used) {
    check_uses(reference, used, tokens, problems);
  });
  std::set<std::string> reported;  // the tokens of the circles that were
  each_token_part([&](const SecretReference& reference, const std::string& used) {
    std::set<std::string> seen;
    const TokenPath path = path_to(reference.token, tokens, used, seen);
    if (path.empty() || reported.contains(reference.token)) return;
    reported.insert(path.begin(), path.end());
    std::string text = reference.token;
    for (const std::string& name : path) text += " -> " + name;
    problems.error(reference.place, "the sources of these tokens use each other in a circle: " + text +
                                        "; each would wait for the other");
  });
}

}  // namespace jeton::agent
