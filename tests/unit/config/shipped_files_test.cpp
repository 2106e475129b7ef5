// config/agent.yaml and config/examples: they load, and agent.yaml names every key of the schema and no other.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/schema_walk.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

TEST(ShippedConfig, AsInstalled_LoadsTheDefaults) {
  const auto result = agent::load_config_files(agent::read_config_files({config_dir / "agent.yaml"}));
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_EQ(*result.config, agent::Config{}) << "switched-off settings must leave the defaults";
}

TEST(ShippedConfig, EverySettingIsOn_LoadsWithoutAProblem) {
  const TempDir dir;
  const std::filesystem::path secret = dir.write("secret", "s3cret\n");
  const IssuedCertificate own = Authority().issue({});
  const std::filesystem::path pem = dir.write("tls.pem", own.certificate + own.key);
  std::string text = with_programs(
      with_accounts(with_files(with_secrets(switched_on(read_file(config_dir / "agent.yaml")), secret), pem)));
  text = with_seal_key(std::move(text), dir.write("seal.key", seal_key_text));
  const auto result = load_text(text);
  EXPECT_TRUE(result.config) << all_texts(result.problems) << text;
  EXPECT_TRUE(result.problems.empty()) << all_texts(result.problems);
}

TEST(ShippedConfig, EverySettingIsOn_KeysAreThoseOfTheSchema) {
  agent::Problems problems;
  const auto tree =
      agent::parse_yaml("agent.yaml", switched_on(read_file(config_dir / "agent.yaml"), Alternatives::on), problems);
  ASSERT_TRUE(tree) << all_texts(problems.take_sorted({}));
  const std::set<std::string> schema = schema_keys();
  std::set<std::string> documented;
  walk(*tree, "", schema, [&](const std::string& path, const agent::Node& /*value*/) { documented.insert(path); });
  EXPECT_EQ(documented, schema);
}

class ShippedExample : public testing::TestWithParam<const char*> {};

TEST_P(ShippedExample, SecretsAreProvided_LoadsWithoutAProblem) {
  const TempDir dir;
  std::string text = with_programs(
      with_accounts(with_secrets(read_file(config_dir / "examples" / GetParam()), dir.write("secret", "s3cret\n"))));
  text = with_seal_key(std::move(text), dir.write("seal.key", seal_key_text));
  const auto result = load_text(text);
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_TRUE(result.problems.empty()) << all_texts(result.problems);
  EXPECT_FALSE(result.config->tokens.empty());
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedExample,
                         testing::Values("apns.yaml", "aws-credential-process.yaml", "azure-client-credentials.yaml",
                                         "bare-json.yaml", "dingtalk.yaml", "ebay.yaml", "ec2-imdsv2.yaml",
                                         "feishu.yaml", "github-app.yaml", "google-service-account.yaml",
                                         "kubernetes-projected-token.yaml", "oauth2-client-credentials.yaml",
                                         "okta-private-key-jwt.yaml", "outputs.yaml", "salesforce-jwt-bearer.yaml",
                                         "salesforce.yaml", "shopee.yaml", "slack-rotation.yaml", "tuya.yaml",
                                         "wechat-stable.yaml", "wechat.yaml"),
                         [](const auto& example) {
                           std::string name = std::filesystem::path(example.param).stem();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ShippedExamples, FolderIsListed_EveryExampleIsTested) {
  const auto files = std::filesystem::directory_iterator(config_dir / "examples");
  EXPECT_EQ(std::distance(begin(files), end(files)), 21);
}

}  // namespace
}  // namespace jeton::test
