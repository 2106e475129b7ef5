// SIGHUP: everything is applied, or nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

struct Reload : testing::Test {
  void SetUp() override {
    agent.start();
    ASSERT_TRUE(eventually([&] { return agent.valid(); }));
    generation = agent.generation();
  }
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "%s\n", agent.log().c_str());
  }
  [[nodiscard]] std::string yaml() const { return agent_yaml(agent.settings(), agent.runtime_dir()); }
  void reload(const std::string& text, const std::string& until_logged) {
    agent.write_config(text);
    agent.signal(SIGHUP);
    ASSERT_TRUE(agent.logs(until_logged));
  }
  [[nodiscard]] int status_of(const std::string& token) const { return agent.get("/v1/tokens/" + token); }

  FaultProvider provider{{.lifetime = seconds(600)}};
  AgentProcess agent{{.token_url = provider.url()}};
  std::uint64_t generation = 0;
};

TEST_F(Reload, FileIsInvalid_NothingChangesAndErrorIsLogged) {
  reload(yaml() + "  broken: [\n", "reload refused");
  EXPECT_EQ(status_of("api"), 200);
  EXPECT_EQ(agent.generation(), generation);
  EXPECT_TRUE(agent.logs("agent.yaml:")) << "the place of the error is missing";
}

TEST_F(Reload, KeyNeedsARestart_IsNamedAndNothingIsApplied) {
  AgentSettings settings = agent.settings();
  settings.lock_ttl = "7s";
  reload(agent_yaml(settings, agent.runtime_dir()) + "  second:\n    source: {type: http, url: '" + provider.url() +
             "'}\n",
         "reload refused");
  EXPECT_TRUE(agent.logs("coordination"));
  EXPECT_EQ(status_of("second"), 404);
}

TEST_F(Reload, TokensAreAddedRemovedOrChanged_NoOtherFetchIsMade) {
  reload(yaml() + "  second:\n    source: {type: http, url: '" + provider.url() + "'}\n", "configuration reloaded");
  EXPECT_TRUE(eventually([&] { return status_of("second") == 200; }));
  EXPECT_TRUE(eventually([&] { return agent.get("/ready") == 200; }));
  EXPECT_EQ(agent.generation(), generation);
  ASSERT_TRUE(std::filesystem::exists(agent.runtime_dir() / "segments" / "second"));

  agent.write_config(yaml());
  agent.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return status_of("second") == 404; }));
  EXPECT_FALSE(std::filesystem::exists(agent.runtime_dir() / "segments" / "second"));
  EXPECT_EQ(agent.generation(), generation);

  AgentSettings settings = agent.settings();
  settings.refresh = "{grace: 3m}";
  agent.configure(settings);
  agent.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return agent.token().value("grace_ms", 0) == 180'000; })) << agent.token().dump();
  EXPECT_EQ(agent.generation(), generation) << "a changed setting cost a fetch";
}

TEST_F(Reload, FileHasNoTokens_IsRefused) {
  const std::string all = yaml();
  reload(all.substr(0, all.find("tokens:")), "reload refused");
  EXPECT_EQ(status_of("api"), 200);
}

TEST_F(Reload, GroupIsUnknown_IsRefusedAndTokenStaysValid) {
  AgentSettings settings = agent.settings();
  settings.token_extra = "    access: {groups: [no-such-group-here]}\n";
  reload(agent_yaml(settings, agent.runtime_dir()), "reload refused");
  EXPECT_TRUE(agent.logs("no-such-group-here"));
  EXPECT_TRUE(agent.valid());
}

TEST(ReloadInAPause, SourceIsAnotherOne_EndsThePauseThatTheProviderAskedFor) {
  FaultProvider limited;
  limited.behave(Behaviour::pause(429, "99999999999"));
  AgentProcess agent{{.token_url = limited.url()}};
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.token().at("pause").is_object(); })) << agent.token().dump();

  const FaultProvider other;
  AgentSettings settings = agent.settings();
  settings.token_url = other.url();
  agent.configure(settings);
  agent.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  EXPECT_EQ(limited.counts().requests, 1U);
}

}  // namespace
}  // namespace jeton::test
