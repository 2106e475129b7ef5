#include "agent/outputs/output_content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/outputs/output_records.hpp"

namespace jeton::agent {
namespace {

class OutputContentTest : public testing::Test {
 protected:
  std::string filled(const std::string& text) const {
    try {
      return std::string(fill_in(OutputTemplate::parse(text), "api", tokens).text.reveal());
    } catch (const Error& e) {
      return std::string("error: ") + e.what();
    }
  }
  test::Loop loop;
  test::KnownRecords tokens{loop.clock};
};

TEST_F(OutputContentTest, FieldsAreNamed_AreThoseOfTheToken) {
  Record& record = tokens.renew("api", "tok");
  record.generation = 17;
  record.first_generation = 16;
  record.type = "DPoP";
  record.attributes["key_id"] = "k1";
  record.expires_at = from_unix_ms(1'790'000'000'999);
  EXPECT_EQ(filled("{{ value }}|{{ header }}|{{ type }}|{{ name }}"), "tok|DPoP tok|DPoP|api");
  EXPECT_EQ(filled("{{ expires_at }}|{{ expires_at_utc }}"), "1790000000|2026-09-21T14:13:20Z");
  EXPECT_EQ(filled("{{ generation }}|{{ attributes.key_id }}"), "16|k1") << "that by which readers know the token";
}

TEST_F(OutputContentTest, TokenHasNoType_HeaderIsBearer) {
  tokens.renew("api", "tok").type.clear();
  EXPECT_EQ(filled("{{ header }}[{{ type }}]"), "Bearer tok[]");
}

TEST_F(OutputContentTest, FunctionsStandBeforeSeveralParts_AreAppliedToAllTheLastFirst) {
  tokens.renew("api", "tok");
  EXPECT_EQ(filled(R"({{ json base64 "user:" value }})"), "\"dXNlcjp0b2s=\"");
}

TEST_F(OutputContentTest, AnotherTokenIsNamed_FieldIsThatOfIt) {
  tokens.renew("api", "tok");
  tokens.renew("billing", "other").attributes["a"] = "b";
  EXPECT_EQ(filled("{{ value }}{{ billing:value }}{{ billing:name }}{{ billing:attributes.a }}"), "tokotherbillingb");
}

TEST_F(OutputContentTest, FieldCannotBeWritten_ErrorSaysWhichAndHasNoSecret) {
  tokens.renew("api", "s3cret$");
  EXPECT_EQ(filled("{{ attributes.key_id }}"), "error: the token api has no attribute 'key_id'; correct the template");
  EXPECT_THAT(filled("{{ nginx value }}"), testing::Not(testing::HasSubstr("s3cret")));
}

TEST_F(OutputContentTest, ValueIsWrittenInAnotherForm_BothFormsAreSecrets) {
  tokens.renew("api", "tok");
  std::vector<std::string> secrets;
  for (const SecretString& secret :
       fill_in(OutputTemplate::parse(R"({{ json base64 "u:" value }} {{ expires_at }})"), "api", tokens).secrets) {
    secrets.emplace_back(secret.reveal());
  }
  EXPECT_THAT(secrets, testing::UnorderedElementsAre("tok", "dTp0b2s=", "\"dTp0b2s=\""));
}

}  // namespace
}  // namespace jeton::agent
