// The output of other ecosystems' commands.
#include <nlohmann/json.hpp>

#include "agent/config/text/request_formats.hpp"
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

  const agent::WallTime next_year = std::chrono::floor<std::chrono::seconds>(loop.clock.wall_now()) + 365 * 24h;
};

std::string credential(agent::WallTime expires_at, const std::string& token = "k8s-token-1") {
  return R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",
"status":{"token":")" +
         token + R"(","expirationTimestamp":")" + agent::format_time("rfc3339", expires_at) + "\"}}";
}

TEST_F(ExecFormat, FormatIsKubernetes_TokenAndExpiryAreRead) {
  const auto e = failure_of(printing(Format::kubernetes, credential(next_year + 10 * 366 * 24h)));
  EXPECT_THAT(e.what(), HasSubstr("in the output of the command is more than ten years away"));
  const auto token = fetch_by(printing(Format::kubernetes, credential(next_year)));
  EXPECT_EQ(token.value.reveal(), "k8s-token-1");
  EXPECT_EQ(token.type, "Bearer");
  EXPECT_EQ(token.expires_at, next_year);
  EXPECT_EQ(nlohmann::json::parse(file("info"))["spec"]["interactive"], false);
}

TEST_F(ExecFormat, KubernetesTokenIsAJwtThatEndsEarlier_JwtCounts) {
  const auto end = std::chrono::floor<std::chrono::seconds>(loop.clock.wall_now()) + 60s;
  EXPECT_EQ(fetch_by(printing(Format::kubernetes, credential(next_year, jwt_until(end)))).expires_at, end);
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
  const std::string expiration = agent::format_time("%Y-%m-%dT%H:%M:%S+00:00", next_year);
  const auto token = fetch_by(printing(
      Format::aws, R"({ "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
 "SessionToken": "FwoGZXIvYXdzE==", "Expiration": ")" +
                       expiration + R"(", "Other": "not for readers" })"));
  const auto value = nlohmann::json::parse(token.value.reveal());
  EXPECT_EQ(value, nlohmann::json::parse(R"({"Version":1,"AccessKeyId":"ASIAEXAMPLE",
"SecretAccessKey":"wJalrXUtnFEMI/K7MDENG+bPxRfiCY","SessionToken":"FwoGZXIvYXdzE==",
"Expiration":")" + expiration + "\"}"));
  EXPECT_EQ(token.expires_at, next_year);
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
