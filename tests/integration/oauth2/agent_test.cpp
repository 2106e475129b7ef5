// A whole agent with a source of type oauth2: from the issuer's metadata to the segment, and out of a refusal again.
#include <gmock/gmock.h>

#include "tests/integration/oauth2/mock_server.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/unit/jwt/jwt_keys.hpp"

namespace jeton::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string with_source(std::string yaml, const std::string& source) {
  const std::size_t begin = yaml.find("      type: http\n");
  const std::size_t end = yaml.find("    refresh:", begin);
  return yaml.replace(begin, end - begin, source);
}

class OAuth2Agent : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = MockServer::missing(); !why.empty()) GTEST_SKIP() << why;
    server = std::make_unique<MockServer>();
  }
  void let_in(const JwtKeys& whose) {
    server->control({{"client",
                      {{"id", "my-client"},
                       {"auth", "private_key_jwt"},
                       {"algorithm", "ES256"},
                       {"key", read_file(whose.file("ec.pub"))}}}});
  }

  std::unique_ptr<MockServer> server;
  TempDir dir;
};

TEST_F(OAuth2Agent, RefusedKeyIsReplaced_NextFetchSucceeds) {
  using agent::JwtAlgorithm;
  const JwtKeys registered;
  const JwtKeys others("another");
  let_in(registered);
  const auto key = dir.write("client.key", others.private_key(JwtAlgorithm::es256));
  AgentSettings settings;
  settings.refresh = "{retry: {initial: 100ms, max: 1s, permanent: 1h}}";
  AgentProcess agent(settings);
  agent.write_config(with_source(agent_yaml(settings, agent.runtime_dir()),
                                 "      type: oauth2\n      issuer: " + server->url() +
                                     "\n      client_id: my-client\n      client_auth: private_key_jwt\n"
                                     "      client_assertion: {algorithm: ES256, key: '${file:" +
                                     key.string() + "}'}\n      scope: read\n"));
  agent.start();
  ASSERT_TRUE(agent.logs("invalid_client")) << agent.log();
  EXPECT_FALSE(agent.valid());
  // A pause of an hour, that ends because the request is another one.
  dir.write("client.key", registered.private_key(JwtAlgorithm::es256));
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();

  int attempts = 0;
  for (const nlohmann::json& request : server->seen()) {
    if (request["path"] != "/token") continue;
    ++attempts;
    const std::string assertion = request["form"]["client_assertion"];
    EXPECT_THAT(agent.log(), Not(HasSubstr(assertion)));
  }
  EXPECT_EQ(attempts, 2);
  EXPECT_THAT(agent.log(), Not(HasSubstr("PRIVATE KEY")));
}

}  // namespace
}  // namespace jeton::test
