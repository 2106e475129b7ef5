#include "agent/config/text/output_template.hpp"

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr std::array<std::pair<std::string_view, OutputField>, 7> field_names{
    {{"value", OutputField::value},
     {"header", OutputField::header},
     {"type", OutputField::type},
     {"expires_at", OutputField::expires_at},
     {"expires_at_utc", OutputField::expires_at_utc},
     {"generation", OutputField::generation},
     {"name", OutputField::name}}};
constexpr std::array<std::pair<std::string_view, OutputFunction>, 8> function_names{
    {{"json", OutputFunction::json},
     {"shell", OutputFunction::shell},
     {"ini", OutputFunction::ini},
     {"netrc", OutputFunction::netrc},
     {"pgpass", OutputFunction::pgpass},
     {"nginx", OutputFunction::nginx},
     {"base64", OutputFunction::base64},
     {"percent", OutputFunction::percent}}};

constexpr std::string_view attribute_prefix = "attributes.";
constexpr std::string_view word_ends = " \t\r\n\"}";

std::string quoted(std::string_view word) { return "'" + excerpt(word, {}, 40) + "'"; }

template <typename Table>
auto find_name(const Table& table, std::string_view name) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == name; });
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
    if (const auto found = find_name(function_names, word); found != function_names.end()) {
      if (!expression.parts.empty()) {
        fail(word_at_, "the function " + quoted(word) + " must come before the fields that it is applied to");
      }
      expression.functions.push_back(found->second);
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
    const auto found = find_name(field_names, field);
    if (found == field_names.end()) refuse(field, part.token.empty());
    part.field = found->second;
    return part;
  }

  [[noreturn]] void refuse(std::string_view word, bool may_be_function) const {
    std::vector<std::string_view> known;
    std::string all;
    for (const auto& [name, field] : field_names) {
      known.push_back(name);
      all += std::string(name) + ", ";
    }
    all += std::string(attribute_prefix) + "NAME";
    if (may_be_function) {
      all += "; the functions are";
      for (const auto& [name, function] : function_names) {
        known.push_back(name);
        all += (name == function_names.front().first ? " " : ", ") + std::string(name);
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
                                  [&](const auto& entry) { return entry.second == function; });
  return found->first;
}

}  // namespace jeton::agent
