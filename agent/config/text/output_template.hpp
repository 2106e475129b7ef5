// OutputTemplate: the content of an output file (tokens.NAME.outputs), parsed: texts, and fields of tokens in {{ }}.
//
//   machine api.example.com password {{ netrc value }}
//   {"auth": {{ json base64 "user:" value }}, "until": {{ expires_at }}}
//
// Between the braces are functions, then fields and texts in double quotes. The fields and texts are joined; then the
// functions are applied, the last one first. A field of another token has the name of that token before it:
// billing:value. In a text in quotes \" and \\ are a quote and a backslash; {{ "{{" }} are two braces.
//
// A plain value; the functions themselves are in agent/outputs. Any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::agent {

enum class OutputField {
  text,
  name,            // of the token
  value,           // the token itself
  header,          // "Bearer VALUE": its type, or Bearer if it has none
  type,            // may be empty
  expires_at,      // unix seconds
  expires_at_utc,  // RFC 3339
  generation,
  attribute  // attributes.NAME
};

enum class OutputFunction { json, shell, ini, netrc, pgpass, nginx, base64, percent };

struct OutputPart {
  OutputField field = OutputField::text;
  std::string text;     // the text itself, or the name of the attribute
  std::string token{};  // whose field; empty: of the token that the output belongs to
  bool operator==(const OutputPart&) const = default;
};

struct OutputExpression {
  std::vector<OutputFunction> functions;
  std::vector<OutputPart> parts;
  bool operator==(const OutputExpression&) const = default;
};

class OutputTemplate {
 public:
  OutputTemplate() = default;
  explicit OutputTemplate(std::vector<OutputExpression> expressions) : expressions_(std::move(expressions)) {}
  // Throws Error that begins with the line of the text: "line 2: unknown field 'valuee'; did you mean 'value'?"
  [[nodiscard]] static OutputTemplate parse(std::string_view text);

  [[nodiscard]] const std::vector<OutputExpression>& expressions() const { return expressions_; }
  // The other tokens that it names.
  [[nodiscard]] std::set<std::string> others() const;

  bool operator==(const OutputTemplate&) const = default;

 private:
  std::vector<OutputExpression> expressions_;
};

[[nodiscard]] std::string_view name_of(OutputFunction function);

}  // namespace jeton::agent
