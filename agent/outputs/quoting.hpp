// The functions of a template ({{ json value }}): a text as a part of another format, so that no character of a token
// changes the meaning of the file. Pure functions, any thread.
//
//   json     "..." with the escapes of RFC 8259
//   shell    "..." as a POSIX shell reads it, and EnvironmentFile= of systemd
//   ini      "..." with a backslash before " and \: git, MySQL, PHP
//   netrc    a word; in quotes, as curl and Python read them, if it has a character that needs them
//   pgpass   a field of .pgpass: a backslash before : and backslash
//   nginx    "..." as a parameter of nginx; a $ cannot be written there and is refused
//   base64   RFC 4648 section 4, with padding
//   percent  as a part of a URL
#pragma once

#include "agent/base/secret.hpp"
#include "agent/config/text/output_template.hpp"

namespace jeton::agent {

// Throws Error, without any of the text, if the format has no way to write it.
[[nodiscard]] SecretString apply(OutputFunction function, const SecretString& text);

}  // namespace jeton::agent
