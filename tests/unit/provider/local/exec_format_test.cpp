// The output of other ecosystems' commands.
#include <nlohmann/json.hpp>

#include "tests/unit/jwt/jwt_until.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using Format = agent::ExecSourceConfig::Format;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ExecFormat : public ExecTest {
 protected:
  agent::ExecSourceConfig printing(Format format, const std::string& json) const {
    dir.write("output", json);
    auto config = script("printf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$1/info\"; cat \"$1/output\"\n");
    config.format = format;
    return config;
  }
};

constexpr const char* credential = R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",
"status":{"token":"k8s-token-1","expirationTimestamp":"2099-01-02T03:04:05Z"}})";

TEST_F(ExecFormat, FormatIsKubernetes_TokenAndExpiryAreRead) {
  auto config = printing(Format::kubernetes, credential);
  const auto e = failure_of(config);  // more than ten years
  EXPECT_THAT(e.what(), HasSubstr("in the output of the command is more than ten years away"));
  std::string text = credential;
  config = printing(Format::kubernetes, text.replace(text.find("2099"), 4, "2030"));
  const auto token = fetch_by(config);
  EXPECT_EQ(token.value.reveal(), "k8s-token-1");
  EXPECT_EQ(token.type, "Bearer");
  EXPECT_EQ(token.expires_at, agent::from_unix_ms(1893553445000));
  EXPECT_EQ(nlohmann::json::parse(file("info"))["spec"]["interactive"], false);
}

TEST_F(ExecFormat, KubernetesTokenIsAJwtThatEndsEarlier_JwtCounts) {
  const auto end = std::chrono::floor<std::chrono::seconds>(loop.clock.wall_now()) + 60s;
  std::string text = credential;
  text.replace(text.find("2099"), 4, "2030").replace(text.find("k8s-token-1"), 11, jwt_until(end));
  EXPECT_EQ(fetch_by(printing(Format::kubernetes, text)).expires_at, end);
}

TEST_F(ExecFormat, KubernetesOutputIsWrong_ErrorSaysWhy) {
  EXPECT_THAT(failure_of(printing(Format::kubernetes, R"({"access_token":"t"})")).what(),
              HasSubstr("the output of the command is not an ExecCredential"));
  EXPECT_THAT(failure_of(printing(Format::kubernetes, R"({"apiVersion":"client.authentication.k8s.io/v1",
"kind":"ExecCredential","status":{"clientCertificateData":"x","clientKeyData":"y"}})"))
                  .what(),
              HasSubstr("a client certificate and no token"));
  EXPECT_THAT(failure_of(printing(Format::kubernetes, R"({"apiVersion":"client.authentication.k8s.io/v1",
"kind":"ExecCredential","status":{"token":"t"}})"))
                  .what(),
              HasSubstr("response.default_lifetime"));
}

// As gcloud prints it.
TEST_F(ExecFormat, FormatIsText_OutputIsTheToken) {
  auto config = printing(Format::text, "ya29.s3cret-token");
  EXPECT_THAT(failure_of(config).what(), HasSubstr("response.default_lifetime"));
  config.response.default_lifetime = 1h;
  EXPECT_EQ(fetch_by(config).value.reveal(), "ya29.s3cret-token");
  EXPECT_THAT(failure_of(printing(Format::json, "ya29.s3cret-token")).what(), HasSubstr("(source.format: text)?"));
  EXPECT_THAT(failure_of(printing(Format::text, "no such account")).what(),
              AllOf(HasSubstr("the output of the command"), Not(HasSubstr("account"))));
}

TEST_F(ExecFormat, FormatIsAws_CredentialsAreTheTokenAndNoAttribute) {
  const auto token = fetch_by(
      printing(Format::aws,
               R"({ "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
 "SessionToken": "FwoGZXIvYXdzE==", "Expiration": "2030-01-02T03:04:05+00:00", "Other": "not for readers" })"));
  const auto value = nlohmann::json::parse(token.value.reveal());
  EXPECT_EQ(value, nlohmann::json::parse(R"({"Version":1,"AccessKeyId":"ASIAEXAMPLE",
"SecretAccessKey":"wJalrXUtnFEMI/K7MDENG+bPxRfiCY","SessionToken":"FwoGZXIvYXdzE==",
"Expiration":"2030-01-02T03:04:05+00:00"})"));
  EXPECT_EQ(token.expires_at, agent::from_unix_ms(1893553445000));
  EXPECT_EQ(token.attributes, (agent::Attributes{{"access_key_id", "ASIAEXAMPLE"}}));
}

TEST_F(ExecFormat, AwsExpirationIsMissing_DefaultLifetimeIsRequired) {
  auto config = printing(Format::aws, R"({"Version":1,"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"wJalrXUtnFEMI"})");
  EXPECT_THAT(failure_of(config).what(), HasSubstr("response.default_lifetime"));
  config.response.default_lifetime = 1h;
  EXPECT_EQ(nlohmann::json::parse(fetch_by(config).value.reveal()).count("Expiration"), 0U);
}

TEST_F(ExecFormat, AwsOutputIsWrong_ErrorSaysWhy) {
  EXPECT_THAT(failure_of(printing(Format::aws, R"({"Version":2})")).what(), HasSubstr("Version 1"));
  EXPECT_THAT(failure_of(printing(Format::aws, R"({"Version":1,"AccessKeyId":5})")).what(), HasSubstr("AccessKeyId"));
  EXPECT_THAT(failure_of(printing(Format::aws, R"({"Version":1,"AccessKeyId":"A"})")).what(),
              HasSubstr("SecretAccessKey"));
  EXPECT_THAT(failure_of(printing(Format::aws, "")).what(), HasSubstr("the output of the command is empty"));
}

TEST_F(ExecFormat, OutputIsNotJson_ErrorDoesNotShowIt) {
  const auto e = failure_of(printing(Format::json, "usage: get-token s3cret-in-usage"));
  EXPECT_THAT(e.what(), HasSubstr("the output of the command is not JSON"));
  EXPECT_THAT(e.what(), Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace jeton::test
