// JsonTemplate: a JSON document from the configuration whose strings may refer to secrets; the body of a request.
//
// An immutable tree. resolve() reads the secrets at every call, escapes them and returns the JSON text in the order of
// the configuration. In YAML, true, false, null, JSON numbers, ${now:unix} and ${now:unix_ms} keep their JSON type when
// they have no quotes; everything else is a string.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

class JsonTemplate {
 public:
  // The digits as written in the configuration, so that none is lost: "1.10" stays "1.10".
  struct Number {
    std::string text;
    bool operator==(const Number&) const = default;
  };
  // A number that is known when the request is made: ${now:unix}.
  struct NumberReference {
    SecretTemplate text;
    bool operator==(const NumberReference&) const = default;
  };
  using Array = std::vector<JsonTemplate>;
  using Object = std::vector<std::pair<std::string, JsonTemplate>>;
  // monostate: null
  using Value = std::variant<std::monostate, bool, Number, NumberReference, SecretTemplate, Array, Object>;

  JsonTemplate() = default;  // null
  explicit JsonTemplate(Value value) : value_(std::move(value)) {}

  [[nodiscard]] const Value& value() const { return value_; }

  // Throws Error as SecretTemplate::resolve() does, and for a secret that is not UTF-8 text.
  [[nodiscard]] SecretString resolve(const TokenValues* tokens = nullptr) const;

  friend bool operator==(const JsonTemplate& a, const JsonTemplate& b);

 private:
  void write(SecretString& out, const TokenValues* tokens) const;
  Value value_;
};

// The texts of its strings, in their order; keys are fixed.
[[nodiscard]] std::vector<const SecretTemplate*> texts_of(const JsonTemplate& json);

// Does the text follow the number grammar of JSON (RFC 8259 section 6)?
[[nodiscard]] bool is_json_number(std::string_view text);

}  // namespace jeton::agent
