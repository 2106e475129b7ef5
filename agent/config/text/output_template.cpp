#include "agent/config/text/output_template.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

struct FieldName {
  std::string_view name;
  OutputField field;
};
constexpr std::array field_names{FieldName{"value", OutputField::value},
                                 FieldName{"header", OutputField::header},
                                 FieldName{"type", OutputField::type},
                                 FieldName{"expires_at", OutputField::expires_at},
                                 FieldName{"expires_at_utc", OutputField::expires_at_utc},
                                 FieldName{"generation", OutputField::generation},
                                 FieldName{"name", OutputField::name}};

struct FunctionName {
  std::string_view name;
  OutputFunction function;
};
constexpr std::array function_names{
    FunctionName{"json", OutputFunction::json},     FunctionName{"shell", OutputFunction::shell},
    FunctionName{"ini", OutputFunction::ini},       FunctionName{"netrc", OutputFunction::netrc},
    FunctionName{"pgpass", OutputFunction::pgpass}, FunctionName{"nginx", OutputFunction::nginx},
    FunctionName{"base64", OutputFunction::base64}, FunctionName{"percent", OutputFunction::percent}};

constexpr std::string_view attribute_prefix = "attributes.";
constexpr std::string_view word_ends = " \t\r\n\"}";

std::string quoted(std::string_view word) { return "'" + excerpt(word, {}, 40) + "'"; }

std::optional<OutputFunction> function_of(std::string_view word) {
  const auto found = std::find_if(function_names.begin(), function_names.end(),
                                  [&](const FunctionName& known) { return known.name == word; });
  return found == function_names.end() ? std::nullopt : std::optional(found->function);
}

// One walk over the text of a template.
class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : text_(text) {}

  std::vector<OutputExpression> read() {
    std::vector<OutputExpression> all;
    while (at_ < text_.size()) {
      const std::size_t begin = std::min(text_.find("{{", at_), text_.size());
      if (begin > at_) {
        OutputExpression& literal = all.emplace_back();
        literal.parts.push_back({OutputField::text, std::string(text_.substr(at_, begin - at_))});
      }
      at_ = begin;
      if (at_ < text_.size()) all.push_back(read_expression());
    }
    return all;
  }

 private:
  // At the opening braces.
  OutputExpression read_expression() {
    const std::size_t begin = at_;
    at_ += 2;
    OutputExpression expression;
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
      if (at_ == text_.size()) fail(begin, "{{ has no }}");
      if (text_.substr(at_).starts_with("}}")) break;
      if (text_[at_] == '"') {
        expression.parts.push_back({OutputField::text, read_quoted()});
      } else {
        add_word(expression, read_word());
      }
    }
    at_ += 2;
    if (!expression.parts.empty()) return expression;
    if (expression.functions.empty()) fail(begin, "{{ }} has no field; write one such as {{ value }}");
    fail(begin, "the function " + quoted(name_of(expression.functions.back())) + " has no field after it");
  }

  std::string_view read_word() {
    const std::size_t end = std::min(text_.find_first_of(word_ends, at_), text_.size());
    // A single brace ends no expression, and no word has one.
    const std::string_view word = text_.substr(at_, std::max<std::size_t>(end - at_, 1));
    word_at_ = at_;
    at_ += word.size();
    return word;
  }

  std::string read_quoted() {
    const std::size_t begin = at_++;
    std::string result;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return result;
      }
      const bool escapes = c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escapes) ++at_;
      result += text_[at_];
    }
    fail(begin, "a text in quotes has no end");
  }

  void add_word(OutputExpression& expression, std::string_view word) const {
    if (const auto function = function_of(word)) {
      if (!expression.parts.empty()) {
        fail(word_at_, "the function " + quoted(word) + " must stand before the fields that it is applied to");
      }
      expression.functions.push_back(*function);
      return;
    }
    expression.parts.push_back(read_field(word));
  }

  [[nodiscard]] OutputPart read_field(std::string_view word) const {
    OutputPart part;
    std::string_view field = word;
    if (const std::size_t colon = word.find(':'); colon != std::string_view::npos) {
      part.token = word.substr(0, colon);
      field = word.substr(colon + 1);
      if (part.token.empty()) fail(word_at_, "there is no name of a token before the colon of " + quoted(word));
    }
    if (field.starts_with(attribute_prefix) && field.size() > attribute_prefix.size()) {
      part.field = OutputField::attribute;
      part.text = field.substr(attribute_prefix.size());
      return part;
    }
    const auto found = std::find_if(field_names.begin(), field_names.end(),
                                    [&](const FieldName& known) { return known.name == field; });
    if (found == field_names.end()) refuse(field, part.token.empty());
    part.field = found->field;
    return part;
  }

  [[noreturn]] void refuse(std::string_view word, bool may_be_function) const {
    std::vector<std::string_view> known;
    for (const FieldName& one : field_names) known.push_back(one.name);
    std::string all;
    for (const std::string_view one : known) all += std::string(one) + ", ";
    all += std::string(attribute_prefix) + "NAME";
    if (may_be_function) {
      all += "; the functions are ";
      for (const FunctionName& one : function_names) {
        known.push_back(one.name);
        all += (one.name == function_names.front().name ? "" : ", ") + std::string(one.name);
      }
    }
    const std::string what = (may_be_function ? "unknown field or function " : "unknown field ") + quoted(word);
    const auto meant = nearest(word, known);
    fail(word_at_, meant ? what + "; did you mean " + quoted(*meant) + "?" : what + "; the fields are " + all);
  }

  [[noreturn]] void fail(std::size_t at, const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw Error("line " + std::to_string(line) + ": " + what);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t word_at_ = 0;  // where the last word began
};

}  // namespace

OutputTemplate OutputTemplate::parse(std::string_view text) { return OutputTemplate(TemplateReader(text).read()); }

std::set<std::string> OutputTemplate::others() const {
  std::set<std::string> names;
  for (const OutputExpression& expression : expressions_) {
    for (const OutputPart& part : expression.parts) {
      if (!part.token.empty()) names.insert(part.token);
    }
  }
  return names;
}

std::string_view name_of(OutputFunction function) {
  const auto found = std::find_if(function_names.begin(), function_names.end(),
                                  [&](const FunctionName& known) { return known.function == function; });
  return found->name;
}

}  // namespace jeton::agent
