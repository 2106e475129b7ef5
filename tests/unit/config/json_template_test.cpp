#include "agent/config/secrets/json_template.hpp"

#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::agent {
namespace {

// What the YAML flow text after `json:` becomes.
std::string body_of(const std::string& yaml) {
  const LoadResult result = test::load_text(
      "version: 1\ntokens:\n  t:\n    source:\n      type: http\n      url: https://h/\n      json: " + yaml + "\n");
  if (!result.config) return test::all_texts(result.problems);
  const auto& source = *source_as<HttpSourceConfig>(result.config->tokens.at("t").source);
  return std::string(source.json.value().resolve().reveal());
}

TEST(JsonTemplate, ValuesOfSeveralTypes_KeepTypeAndOrder) {
  EXPECT_EQ(body_of("{z: 1, a: true, n: ~, list: [x, 2, {}], empty: []}"),
            R"({"z":1,"a":true,"n":null,"list":["x",2,{}],"empty":[]})");
  EXPECT_EQ(body_of("[a, b]"), R"(["a","b"])");
  EXPECT_EQ(body_of("{}"), "{}");
}

TEST(JsonTemplate, ValueIsQuoted_IsText) {
  EXPECT_EQ(body_of(R"({a: "1", b: 'true', c: "null", d: ""})"), R"({"a":"1","b":"true","c":"null","d":""})");
}

TEST(JsonTemplate, ValueIsANumber_IsKeptDigitByDigit) {
  EXPECT_EQ(body_of("{a: 1.10, b: -0, c: 12345678901234567890123, d: 1e5}"),
            R"({"a":1.10,"b":-0,"c":12345678901234567890123,"d":1e5})");
  EXPECT_EQ(body_of("{a: 007, b: 1., c: .5, d: 0x1, e: +1, f: 1e, g: -}"),
            R"({"a":"007","b":"1.","c":".5","d":"0x1","e":"+1","f":"1e","g":"-"})");
}

TEST(JsonTemplate, TextHasSpecialCharacters_IsEscaped) {
  EXPECT_EQ(body_of(R"({"a\"b": "q\"\\\n\t\x01é"})"), "{\"a\\\"b\":\"q\\\"\\\\\\n\\u0009\\u0001é\"}");
}

TEST(JsonTemplate, SecretHasSpecialCharacters_IsEscaped) {
  const test::TempDir dir;
  const auto file = dir.write("key", "pa\"ss\\word\n");
  EXPECT_EQ(body_of("{key: \"x-${file:" + file.string() + "}\"}"), R"({"key":"x-pa\"ss\\word"})");
}

TEST(JsonTemplate, SecretIsNotUtf8_IsRefused) {
  const test::TempDir dir;
  const auto file = dir.write("key", "\xC0\xC1");
  EXPECT_NE(body_of("{key: \"${file:" + file.string() + "}\"}").find(":7:19: error: the secret is not UTF-8"),
            std::string::npos);
  const JsonTemplate body(SecretTemplate::parse("${file:" + file.string() + "}"));
  EXPECT_THROW((void)body.resolve(), Error);
}

TEST(JsonTemplate, TwoTemplates_CompareByContent) {
  const auto make = [](const char* text) {
    return JsonTemplate(JsonTemplate::Object{{"a", JsonTemplate(SecretTemplate::literal(text))}});
  };
  EXPECT_EQ(make("x"), make("x"));
  EXPECT_FALSE(make("x") == make("y"));
}

}  // namespace
}  // namespace jeton::agent
