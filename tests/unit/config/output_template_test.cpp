#include "agent/config/text/output_template.hpp"

#include <gtest/gtest.h>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

// Every expression as FUNCTIONS(PARTS).
std::string shape_of(const std::string& text) {
  std::string shape;
  const OutputTemplate parsed = OutputTemplate::parse(text);
  for (const OutputExpression& expression : parsed.expressions()) {
    for (const OutputFunction function : expression.functions) shape += std::string(name_of(function)) + " ";
    shape += "(";
    for (const OutputPart& part : expression.parts) {
      shape += part.token.empty() ? "" : part.token + ":";
      shape += std::to_string(static_cast<int>(part.field)) + "[" + part.text + "]";
    }
    shape += ")";
  }
  return shape;
}

std::string fault_of(const std::string& text) {
  try {
    return "read as " + shape_of(text);
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(OutputTemplate, TextHasNoField_IsItself) {
  EXPECT_EQ(shape_of(""), "");
  EXPECT_EQ(shape_of("a { b } $c }}\n"), "(0[a { b } $c }}\n])");
}

TEST(OutputTemplate, FieldsStandInText_AreReadWithTheirFunctions) {
  EXPECT_EQ(shape_of("a {{ value }} b"), "(0[a ])(2[])(0[ b])");
  EXPECT_EQ(shape_of("{{value}}{{name}}"), "(2[])(1[])");
  EXPECT_EQ(shape_of("{{ json\n base64 \"user:\" value }}"), "json base64 (0[user:]2[])");
  EXPECT_EQ(shape_of("{{ attributes.access_key_id }}"), "(8[access_key_id])");
  EXPECT_EQ(shape_of("{{ billing.eu:header }}"), "(billing.eu:3[])");
  EXPECT_EQ(shape_of("{{ shell billing:attributes.a.b }}"), "shell (billing:8[a.b])");
}

TEST(OutputTemplate, BracesAndQuotesAreQuoted_AreText) {
  EXPECT_EQ(shape_of("{{ \"{{\" }}"), "(0[{{])");
  EXPECT_EQ(shape_of("{{ \"}}\" value }}"), "(0[}}]2[])");
  EXPECT_EQ(shape_of(R"({{ "a\"b\\c\n" }})"), R"((0[a"b\c\n]))");
}

TEST(OutputTemplate, TokensAreNamed_AreListedOnce) {
  EXPECT_EQ(OutputTemplate::parse("{{ b:value }}{{ a:type }}{{ value b:name }}").others(),
            (std::set<std::string>{"a", "b"}));
}

TEST(OutputTemplate, TextIsWrong_ErrorNamesTheLineAndTheWord) {
  EXPECT_EQ(fault_of("a\nb {{ valuee }}"), "line 2: unknown field or function 'valuee'; did you mean 'value'?");
  EXPECT_EQ(fault_of("{{ jsn value }}"), "line 1: unknown field or function 'jsn'; did you mean 'json'?");
  EXPECT_EQ(fault_of("{{ other:jsom }}").find("line 1: unknown field 'jsom'; the fields are value, header"), 0U)
      << fault_of("{{ other:jsom }}");
  EXPECT_EQ(fault_of("\n\n{{ value"), "line 3: {{ has no }}");
  EXPECT_EQ(fault_of("{{ }}"), "line 1: {{ }} has no field; write one such as {{ value }}");
  EXPECT_EQ(fault_of("{{ json }}"), "line 1: the function 'json' has no field after it");
  EXPECT_EQ(fault_of("{{ value json }}"),
            "line 1: the function 'json' must come before the fields that it is applied to");
  EXPECT_EQ(fault_of("{{ :value }}"), "line 1: there is no name of a token before the colon of ':value'");
  EXPECT_EQ(fault_of("{{ \"a }}"), "line 1: a text in quotes has no end");
  EXPECT_EQ(fault_of("{{ value } }}").find("line 1: unknown field or function '}'"), 0U) << fault_of("{{ value } }}");
  EXPECT_EQ(fault_of("{{ attributes. }}").find("line 1: unknown field"), 0U) << fault_of("{{ attributes. }}");
}

}  // namespace
}  // namespace jeton::agent
