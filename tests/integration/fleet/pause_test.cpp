// A provider that refuses for good, and what ends the pause that follows.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetPause : FleetTest {
  RedisServer redis;
  TempDir dir;

  AgentSettings with_secret(const FaultProvider& provider, const std::string& file, const std::string& content) {
    dir.write(file, content);
    return {.redis_url = redis.tcp_url(),
            .token_url = provider.url(),
            .refresh = "{retry: {permanent: 1h}}",
            .source_extra = "      headers: {X-Key: \"${file:" + (dir / file).string() + "}\"}\n"};
  }
  [[nodiscard]] bool paused(const AgentProcess& agent) const {
    const auto status = agent.token();
    return status.is_object() && !status["pause"].is_null();
  }
};

TEST_F(FleetPause, RefusedRequestIsNotRepeatedByAnybody) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::failure(401));
  for (int i = 0; i < 3; ++i) add_agent(with_secret(provider, "secret", "wrong"));
  start_all();
  ASSERT_TRUE(eventually(
      [&] { return std::all_of(agents.begin(), agents.end(), [&](const auto& agent) { return paused(*agent); }); }));
  agents.front()->stop();
  agents.front()->start();
  ASSERT_TRUE(eventually([&] { return paused(*agents.front()); })) << "a restart forgot the pause";
  EXPECT_EQ(provider.counts().requests, 1U);
}

TEST_F(FleetPause, MendedSecretEndsThePause) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::failure(401));
  for (int i = 0; i < 2; ++i) add_agent(with_secret(provider, "secret", "wrong"));
  start_all();
  ASSERT_TRUE(eventually([&] { return paused(*agents[0]) && paused(*agents[1]); }));
  provider.behave(Behaviour::good());
  dir.write("secret", "right");
  EXPECT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(FleetPause, HostWithAnotherSecretTriesItsOwnOnce) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::failure(401));
  AgentProcess& wrong = add_agent(with_secret(provider, "secret", "wrong"));
  wrong.start();
  ASSERT_TRUE(eventually([&] { return paused(wrong); }));
  AgentProcess& other = add_agent(with_secret(provider, "other-secret", "also wrong"));
  other.start();
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 2; }));
  ASSERT_TRUE(eventually([&] { return paused(wrong) && paused(other); }));
  std::this_thread::sleep_for(seconds(7));  // more than one look at the secrets
  EXPECT_EQ(provider.counts().requests, 2U) << "they lift each other's pause for ever";
}

}  // namespace
}  // namespace jeton::test
