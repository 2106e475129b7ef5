#include "agent/outputs/quoting.hpp"

#include <algorithm>
#include <string>

#include "agent/base/error.hpp"
#include "agent/config/text/values.hpp"
#include "agent/http/url.hpp"
#include "agent/jwt/text_encoding.hpp"

namespace jeton::agent {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

[[noreturn]] void refuse(OutputFunction function, const char* why) {
  throw Error(std::string(name_of(function)) + ": " + why);
}

// A format of one line has no way to write them.
void refuse_control(OutputFunction function, std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) refuse(function, "the text holds a control character");
}

// `text` with a backslash before each of the characters.
SecretString escaped(std::string_view text, std::string_view characters) {
  SecretString out;
  out.reserve(2 * text.size());
  for (const char& c : text) {
    if (characters.find(c) != std::string_view::npos) out.append("\\");
    out.append({&c, 1});
  }
  return out;
}

SecretString in_double_quotes(const SecretString& text) {
  SecretString out;
  out.reserve(text.size() + 2);
  out.append("\"");
  out.append(text.reveal());
  out.append("\"");
  return out;
}

SecretString json_string(std::string_view text) {
  if (!is_utf8(text)) refuse(OutputFunction::json, "the text is not UTF-8");
  SecretString out;
  out.reserve(2 * text.size());
  for (const char& c : text) {
    if (is_control(c) && c != 0x7F) {
      out.append("\\u00");
      out.append(hex_encoded({&c, 1}, HexCase::lower).reveal());
    } else {
      if (c == '"' || c == '\\') out.append("\\");
      out.append({&c, 1});
    }
  }
  return in_double_quotes(out);
}

SecretString netrc_word(const SecretString& text) {
  const std::string_view plain = text.reveal();
  refuse_control(OutputFunction::netrc, plain);
  if (!plain.empty() && plain.find_first_of(" \"\\#") == std::string_view::npos) return text;
  return in_double_quotes(escaped(plain, "\"\\"));
}

}  // namespace

SecretString apply(OutputFunction function, const SecretString& text) {
  const std::string_view plain = text.reveal();
  switch (function) {
    case OutputFunction::json:
      return json_string(plain);
    case OutputFunction::shell:
      if (plain.find('\0') != std::string_view::npos) refuse(function, "the text holds a NUL byte");
      return in_double_quotes(escaped(plain, "\"\\$`"));
    case OutputFunction::ini:
      refuse_control(function, plain);
      return in_double_quotes(escaped(plain, "\"\\"));
    case OutputFunction::netrc:
      return netrc_word(text);
    case OutputFunction::pgpass:
      refuse_control(function, plain);
      return escaped(plain, ":\\");
    case OutputFunction::nginx:
      refuse_control(function, plain);
      if (plain.find('$') != std::string_view::npos)
        refuse(function, "the text holds a $, which begins a variable there and cannot be written");
      return in_double_quotes(escaped(plain, "\"\\"));
    case OutputFunction::base64:
      return base64_encoded(plain);
    case OutputFunction::percent:
      return percent_encoded(plain);
  }
  throw Error("a function of a template that is not known");
}

}  // namespace jeton::agent
