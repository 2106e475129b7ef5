// An answer with a new refresh token that the agent cannot read: the operator gets it back with `jeton-agent answers`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class UnreadAnswer : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run({JETON_AGENT_BINARY, "keygen", (dir_ / "seal.key").string()}).status, 0);
    agent_.write_config("version: 1\nagent:\n  runtime_dir: " + agent_.runtime_dir().string() +
                        "\n  state_dir: " + state_dir().string() +
                        "\n  log: {level: trace, format: text}\ncoordination: {seal: {key_files: [" +
                        (dir_ / "seal.key").string() + "]}}\ntokens:\n  api:\n    source:\n      type: oauth2\n" +
                        "      token_url: " + provider_.url() +
                        "\n      grant: refresh_token\n      client_id: jeton\n      client_auth: none\n" +
                        "      refresh_token: ${file:" + dir_.write("refresh", "r0").string() +
                        "}\n    refresh: {min_interval: 10ms, retry: {initial: 50ms, permanent: 100ms}}\n");
  }
  [[nodiscard]] std::filesystem::path state_dir() const { return dir_ / "state"; }
  [[nodiscard]] RunResult answers(const std::string& name = "api") const {
    return run({JETON_AGENT_BINARY, "answers", name, "--config", agent_.config_file().string()});
  }
  [[nodiscard]] std::string bytes_of_state() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(state_dir())) all += read_file(entry.path());
    return all;
  }

  FaultProvider provider_;
  TempDir dir_;
  AgentProcess agent_{{}};
};

TEST_F(UnreadAnswer, HasARefreshToken_IsKeptSealedForTheOperatorOnly) {
  provider_.behave(Behaviour::text(R"(cb({"access_token":"t1","refresh_token":"ref-S3CR3T-1"}))"));
  agent_.start();
  ASSERT_TRUE(agent_.logs("jeton-agent answers api")) << agent_.log();
  const RunResult shown = answers();
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("status 200\n"));
  EXPECT_THAT(shown.out, HasSubstr(R"("refresh_token":"ref-S3CR3T-1")"));
  EXPECT_THAT(shown.err, HasSubstr("not hidden"));
  EXPECT_THAT(bytes_of_state(), Not(HasSubstr("S3CR3T")));
  EXPECT_THAT(agent_.token().dump(), Not(HasSubstr("S3CR3T")));

  EXPECT_THAT(agent_.token()["last_error"].dump(), HasSubstr((dir_ / "refresh").string()));
  // As the error asks: the chain goes on, and what was kept is of no use any more.
  provider_.behave(Behaviour::good());
  dir_.write("refresh", "ref-S3CR3T-1");
  EXPECT_TRUE(eventually([&] { return agent_.valid(); })) << agent_.log();
  EXPECT_TRUE(eventually([&] { return answers().status == 3; }));
  EXPECT_EQ(agent_.stop(), 0);
  EXPECT_THAT(agent_.log(), Not(HasSubstr("S3CR3T")));
}

TEST_F(UnreadAnswer, TokenIsNotConfigured_KnownOnesAreNamed) {
  const RunResult refused = answers("apo");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("no token 'apo' is configured; did you mean 'api'? known: api\n"));
  EXPECT_THAT(answers("nothing-like-it").err, HasSubstr("is configured; known: api\n"));
}

}  // namespace
}  // namespace jeton::test
