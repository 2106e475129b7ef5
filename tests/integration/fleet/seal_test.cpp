// coordination.seal: what stands in Redis is of no use to who can read or write it.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetSeal : FleetTest {
  RedisServer redis;
  TempDir dir;

  [[nodiscard]] std::string new_key(const std::string& name) const {
    Process keygen({JETON_AGENT_BINARY, "keygen", (dir / name).string()});
    EXPECT_EQ(keygen.wait(), 0) << keygen.err();
    return (dir / name).string();
  }
  AgentSettings sealed(const FaultProvider& provider, const std::string& keys) const {
    return {.redis_url = redis.tcp_url(),
            .token_url = provider.url(),
            .coordination_extra = "  seal: {key_files: [" + keys + "]}\n"};
  }
  [[nodiscard]] std::string stored() const { return redis.cli({"HGET", "jeton:{api}:token", "record"}); }
  [[nodiscard]] std::uint64_t refused(const AgentProcess& agent) const {
    return agent.token()["counters"]["records_refused"].get<std::uint64_t>();
  }
};

TEST_F(FleetSeal, HostsShareATokenThatRedisCannotRead) {
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string key = new_key("key");
  for (int i = 0; i < 3; ++i) add_agent(sealed(provider, key));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(provider.counts().requests, 1U);
  const std::string value = provider.issued().front().value;
  EXPECT_NE(stored(), "");
  EXPECT_EQ(stored().find(value), std::string::npos);
  EXPECT_EQ(stored().find(value.substr(0, 12)), std::string::npos);
}

TEST_F(FleetSeal, KeyFileIsPrivateAndNeverOverwritten) {
  const std::string key = new_key("key");
  EXPECT_EQ(std::filesystem::status(key).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  Process again({JETON_AGENT_BINARY, "keygen", key});
  EXPECT_EQ(again.wait(), 1);
  EXPECT_NE(again.err().find("File exists"), std::string::npos) << again.err();
}

TEST_F(FleetSeal, ForgedRecordIsRefusedInAClearStateAndReplaced) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(sealed(provider, new_key("key")));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto generation = agent.generation();
  redis.cli({"PUBLISH", "jeton:{api}:published",
             R"({"type":"record","record":{"v":1,"generation":1999999999999999,"value":"forged","issued_at_ms":1,)"
             R"("expires_at_ms":4000000000000}})"});
  ASSERT_TRUE(eventually([&] { return refused(agent) == 1; }));
  EXPECT_NE(agent.token()["last_error"]["message"].get<std::string>().find("not sealed"), std::string::npos);
  EXPECT_EQ(agent.generation(), generation);
}

TEST_F(FleetSeal, RecordReplayedFromEarlierIsNotTakenAndTheNewOneIsPutBack) {
  FaultProvider provider({.lifetime = seconds(5)});
  AgentProcess& agent = add_agent(sealed(provider, new_key("key")));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto first = agent.generation();
  const std::string old_record = stored();
  provider.set_lifetime(seconds(600));
  ASSERT_TRUE(eventually([&] { return agent.generation() > first; }));
  const auto generation = agent.generation();
  redis.cli({"HSET", "jeton:{api}:token", "generation", std::to_string(first), "record", old_record});
  EXPECT_TRUE(eventually([&] { return stored_generation(redis) == generation; }, seconds(90)));
  EXPECT_EQ(agent.generation(), generation);
}

TEST_F(FleetSeal, RecordThatNobodyCanReadIsReplacedUnderItsGeneration) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(sealed(provider, new_key("key")));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto generation = stored_generation(redis);
  std::this_thread::sleep_for(milliseconds(1100));  // a change so soon after a publication is taken for its own
  redis.cli({"HSET", "jeton:{api}:token", "record", "garbage"});
  EXPECT_TRUE(eventually([&] { return stored().find("sealed") != std::string::npos; }, seconds(90)));
  EXPECT_EQ(stored_generation(redis), generation);
  EXPECT_EQ(provider.counts().requests, 1U);
}

TEST_F(FleetSeal, KeysAreChangedInThreeStepsWithoutAFetch) {
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string old_key = new_key("old");
  const std::string fresh = new_key("new");
  for (int i = 0; i < 2; ++i) add_agent(sealed(provider, old_key));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  for (const std::string& keys : {old_key + ", " + fresh, fresh + ", " + old_key, fresh}) {
    for (const auto& agent : agents) {
      agent->stop();
      agent->configure(sealed(provider, keys));
      agent->start();
      ASSERT_TRUE(eventually([&] { return agent->valid(); }));
    }
  }
  AgentProcess& newcomer = add_agent(sealed(provider, fresh));
  newcomer.start();
  EXPECT_TRUE(eventually([&] { return newcomer.valid(); }));
  EXPECT_EQ(provider.counts().requests, 1U) << "the record is still sealed with the key that was dropped";
}

}  // namespace
}  // namespace jeton::test
