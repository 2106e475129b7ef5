// Redis gone and back.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetRedisOutage : FleetTest {
  static std::string key(const std::string& name) { return "jeton:{" + name + "}:token"; }
  [[nodiscard]] bool none_reaches_redis() const {
    return std::none_of(agents.begin(), agents.end(), [](const auto& a) { return reaches_coordinator(*a); });
  }

  RedisServer redis;
};

TEST_F(FleetRedisOutage, RedisIsAway_ReadersGoOnAndTheNextRefreshHappensOnce) {
  FaultProvider provider({.lifetime = seconds(600)});
  for (int i = 0; i < 3; ++i) add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url()});
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const auto first = agents.front()->generation();
  Readers readers;
  for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(300)));

  redis.kill();
  ask_for_new_token(*agents.front());
  const auto has_tried = [&] {
    return agents.front()->token()["last_error"].dump().find("updater lock") != std::string::npos;
  };
  ASSERT_TRUE(eventually(has_tried)) << agents.front()->log();
  ASSERT_TRUE(eventually([&] { return none_reaches_redis(); }));
  EXPECT_TRUE(all_valid());
  EXPECT_EQ(provider.counts().requests, 1U) << "fetched without the coordinator";
  redis.restart();  // without data: the agents give the record back

  ASSERT_TRUE(eventually([&] { return stored_generation(redis) >= first; }));
  ASSERT_TRUE(eventually([&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() > first; });
  }));
  EXPECT_EQ(provider.counts().requests, 2U);
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    expect_undisturbed(report);
    EXPECT_EQ(report["serials"].size(), 2U);
  }
  expect_no_secret_logged(provider);
}

// How soon they are back is shown in virtual time (RedisOutage.RestartWithoutData_GetsTheRecordBackWithoutAFetch).
TEST_F(FleetRedisOutage, RestartWithoutData_SeveralRecordsAreGivenBack) {
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string another = "    source: {type: http, url: '" + provider.url() + "'}\n";
  for (int i = 0; i < 3; ++i) {
    add_agent({.redis_url = redis.tcp_url(),
               .token_url = provider.url(),
               .token_extra = "  second:\n" + another + "  third:\n" + another});
  }
  start_all();
  const auto stored = [&] { return redis.cli({"EXISTS", key("api"), key("second"), key("third")}) == "3"; };
  ASSERT_TRUE(eventually(stored));
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  ASSERT_EQ(provider.counts().requests, 3U);
  for (const bool noticed : {false, true}) {
    SCOPED_TRACE(noticed ? "every agent noticed the outage" : "back at once");
    const std::size_t before = times_logged("messages of the fleet may have been missed");
    redis.kill();
    if (noticed) {
      ASSERT_TRUE(eventually([&] { return none_reaches_redis(); }));
    }
    redis.restart();
    // Each agent looks because its connection was broken, and not because it does so now and then.
    EXPECT_TRUE(eventually(
        [&] { return times_logged("messages of the fleet may have been missed") >= before + 3 * agents.size(); }));
    EXPECT_TRUE(eventually(stored));
  }
  EXPECT_EQ(provider.counts().requests, 3U);
}

// It can be read all the time. RefusedWrites shows in virtual time that no host is without a token meanwhile.
TEST_F(FleetRedisOutage, ServerTakesNoWrites_HostsFetchAloneAndComeBackToOneToken) {
  FaultProvider provider({.lifetime = rotating_lifetime});
  for (int i = 0; i < 2; ++i) {
    add_agent({.redis_url = redis.tcp_url(),
               .token_url = provider.url(),
               .refresh = rotation,
               .coordination_extra = "  outage: {fetch_alone: 10s}\n"});
  }
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::vector<std::pair<const char*, const char*>> refusals{{"maxmemory", "1"}, {"min-replicas-to-write", "1"}};
  for (const auto& [setting, value] : refusals) {
    SCOPED_TRACE(setting);
    const std::vector<std::uint64_t> before{agents[0]->generation(), agents[1]->generation()};
    redis.cli({"CONFIG", "SET", setting, value});
    EXPECT_TRUE(eventually([&] { return agents[0]->generation() > before[0] && agents[1]->generation() > before[1]; }));
    redis.cli({"CONFIG", "SET", setting, "0"});
    EXPECT_TRUE(eventually([&] {
      return agents[0]->generation() == agents[1]->generation() && stored_generation(redis) == agents[0]->generation();
    }));
  }
}

// Messages of a Redis know no databases: the channel has to.
TEST_F(FleetRedisOutage, FleetsUseTwoDatabasesOfOneServer_AreSeparate) {
  FaultProvider one({.lifetime = seconds(600)});
  FaultProvider other({.lifetime = seconds(600)});
  AgentSettings first{.redis_url = redis.tcp_url(), .token_url = one.url()};
  AgentSettings second{.redis_url = "redis://127.0.0.1:" + std::to_string(redis.port()) + "/1",
                       .token_url = other.url()};
  AgentProcess& a = add_agent(first);
  AgentProcess& b = add_agent(second);
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(one.counts().requests, 1U);
  EXPECT_EQ(other.counts().requests, 1U);
  EXPECT_NE(a.generation(), b.generation());
  EXPECT_EQ(a.log().find("received from the fleet"), std::string::npos) << a.log();
  EXPECT_EQ(b.log().find("received from the fleet"), std::string::npos) << b.log();
}

}  // namespace
}  // namespace jeton::test
