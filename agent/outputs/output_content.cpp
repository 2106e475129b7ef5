#include "agent/outputs/output_content.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/outputs/quoting.hpp"

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
    }
    result.text.append(text.reveal());
    if (secret && !expression.functions.empty()) result.secrets.push_back(std::move(text));
  }
  return result;
}

}  // namespace jeton::agent
