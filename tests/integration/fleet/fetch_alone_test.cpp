// outage.fetch_alone: without the coordinator each host fetches for itself, within its share of the budget.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetFetchAlone : FleetTest {
  RedisServer redis;

  AgentSettings alone(const FaultProvider& provider, const std::string& budget) const {
    return {.redis_url = redis.tcp_url(),
            .token_url = provider.url(),
            .refresh = "{grace: 3s, spread: 500ms}",
            .token_extra = budget,
            .coordination_extra = "  outage: {fetch_alone: 2s}\n"};
  }
};

TEST_F(FleetFetchAlone, HostsKeepTheirTokensValidAndComeBackToOneViewWithoutGoingBack) {
  FaultProvider provider({.lifetime = seconds(10)});
  for (int i = 0; i < 2; ++i) add_agent(alone(provider, ""));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const auto before = agents.front()->generation();
  std::vector<std::unique_ptr<ReaderProcess>> readers;
  for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(60)));

  redis.kill();
  ASSERT_TRUE(eventually([&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() > before; });
  }));
  const auto highest = std::max(agents[0]->generation(), agents[1]->generation());
  redis.restart();
  ASSERT_TRUE(eventually([&] {
    return agents[0]->generation() >= highest && agents[0]->generation() == agents[1]->generation() &&
           stored_generation(redis) == agents[0]->generation();
  }));
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    SCOPED_TRACE(report.dump());
    for (const char* count : {"torn", "expired", "older"}) EXPECT_EQ(report[count].get<std::uint64_t>(), 0U) << count;
  }
  expect_no_secret_logged(provider);
}

TEST_F(FleetFetchAlone, AHostSpendsNoMoreThanItsShare) {
  FaultProvider provider({.lifetime = seconds(4)});
  add_agent(alone(provider, "    budget: {calls: 100, per: 1h, alone: 1}\n")).start();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  redis.kill();
  ASSERT_TRUE(eventually([&] { return agents.front()->token()["state"] == "expired"; }));
  EXPECT_EQ(agents.front()->token()["counters"]["fetches"], provider.counts().requests);
  const auto spent = provider.counts().requests;
  redis.restart();
  ASSERT_TRUE(eventually([&] { return all_valid(); })) << "the share of the outage must not hold back the fleet";
  EXPECT_GT(provider.counts().requests, spent);
  EXPECT_NE(agents.front()->log().find("may not fetch alone any more"), std::string::npos);
}

TEST_F(FleetFetchAlone, WithoutTheSettingNobodyFetchesWithoutTheCoordinator) {
  FaultProvider provider({.lifetime = seconds(3)});
  AgentSettings settings = alone(provider, "");
  settings.coordination_extra = "  outage: {fetch_alone: never}\n";
  add_agent(settings).start();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  redis.kill();
  const auto spent = provider.counts().requests;
  ASSERT_TRUE(eventually([&] { return agents.front()->token()["state"] == "expired"; }));
  EXPECT_LE(provider.counts().requests, spent + 1) << "one could have been on its way when Redis died";
}

}  // namespace
}  // namespace jeton::test
