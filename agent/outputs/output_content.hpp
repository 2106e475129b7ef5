// The content of an output: its template, filled in with the tokens of this host, and the functions of templates. One
// thread: the loop's.
#pragma once

#include <string>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/config/text/output_template.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// The tokens of this host, as outputs see them.
class OutputTokens {
 public:
  OutputTokens() = default;
  OutputTokens(const OutputTokens&) = delete;
  OutputTokens& operator=(const OutputTokens&) = delete;
  virtual ~OutputTokens() = default;

  // The newest record, which may have expired; null: there has been none. Good until the next co_await.
  [[nodiscard]] virtual const Record* record_of(const std::string& name) const = 0;
};

struct OutputContent {
  SecretString text;
  // The secrets that must not appear in a log: the values, also as each function wrote them.
  std::vector<SecretString> secrets;
};

// The template of an output of the token `name`; each token that it names has a record. Throws Error that says which
// field cannot be written and why, without any of it.
[[nodiscard]] OutputContent fill_in(const OutputTemplate& content, const std::string& name, const OutputTokens& tokens);

// The functions of a template ({{ json value }}): a text as a part of another format, so that no character of a token
// changes the meaning of the file.
//
//   json     "..." with the escapes of RFC 8259
//   shell    "..." as a POSIX shell reads it, and EnvironmentFile= of systemd
//   ini      "..." with a backslash before " and \: git, MySQL
//   netrc    a word; in quotes, as curl and Python read them, if it has a character that needs them
//   pgpass   a field of .pgpass: a backslash before : and backslash
//   nginx    "..." as a parameter of nginx; a $ cannot be written there and is refused
//   base64   RFC 4648 section 4, with padding
//   percent  as a part of a URL
//
// Throws Error, without any of the text, if the format has no way to write it.
[[nodiscard]] SecretString apply(OutputFunction function, const SecretString& text);

}  // namespace jeton::agent
