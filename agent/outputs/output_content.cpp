#include "agent/outputs/output_content.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/text/values.hpp"
#include "agent/http/url.hpp"
#include "agent/jwt/digest.hpp"

namespace jeton::agent {
namespace {

const Record& record_with(const std::string& name, const OutputTokens& tokens) {
  const Record* const record = tokens.record_of(name);
  if (record == nullptr) throw Error("there is no token " + name);
  return *record;
}

SecretString header_of(const Record& record) {
  SecretString header(record.type.empty() ? "Bearer" : record.type);
  header.append(" ");
  header.append(record.value.reveal());
  return header;
}

SecretString attribute_of(const Record& record, const std::string& attribute, const std::string& token) {
  const auto found = record.attributes.find(attribute);
  if (found == record.attributes.end())
    throw Error("the token " + token + " has no attribute '" + excerpt(attribute) + "'; correct the template");
  return SecretString(found->second);
}

SecretString field_of(const OutputPart& part, const std::string& token, const Record& record) {
  switch (part.field) {
    case OutputField::text:
      return SecretString(part.text);
    case OutputField::name:
      return SecretString(token);
    case OutputField::value:
      return record.value;
    case OutputField::header:
      return header_of(record);
    case OutputField::type:
      return SecretString(record.type);
    case OutputField::expires_at:
      return SecretString(std::to_string(to_unix_ms(record.expires_at) / 1000));
    case OutputField::expires_at_utc:
      return SecretString(utc_text(record.expires_at));
    case OutputField::generation:
      return SecretString(std::to_string(record.token_generation()));
    case OutputField::attribute:
      return attribute_of(record, part.text, token);
  }
  throw Error("a field of a template that is not known");
}

bool is_secret_field(OutputField field) {
  return field == OutputField::value || field == OutputField::header || field == OutputField::attribute;
}

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

OutputContent fill_in(const OutputTemplate& content, const std::string& name, const OutputTokens& tokens) {
  OutputContent result;
  for (const OutputExpression& expression : content.expressions()) {
    SecretString text;
    bool secret = false;
    for (const OutputPart& part : expression.parts) {
      const std::string& token = part.token.empty() ? name : part.token;
      const Record& record = record_with(token, tokens);
      text.append(field_of(part, token, record).reveal());
      if (!is_secret_field(part.field)) continue;
      secret = true;
      result.secrets.push_back(record.value);
      if (part.field == OutputField::attribute) result.secrets.push_back(field_of(part, token, record));
    }
    for (auto function = expression.functions.rbegin(); function != expression.functions.rend(); ++function) {
      text = apply(*function, text);
      if (secret) result.secrets.push_back(text);
    }
    result.text.append(text.reveal());
  }
  return result;
}

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
