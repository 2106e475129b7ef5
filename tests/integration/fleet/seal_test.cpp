// coordination.seal: the data in Redis is of no use to a client that can read or write it.
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
};

TEST_F(FleetSeal, KeyIsConfigured_HostsShareATokenThatRedisCannotRead) {
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

TEST_F(FleetSeal, KeyIsGenerated_FileIsPrivateAndNeverOverwritten) {
  const std::string key = new_key("key");
  EXPECT_EQ(std::filesystem::status(key).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  Process again({JETON_AGENT_BINARY, "keygen", key});
  EXPECT_EQ(again.wait(), 1);
  EXPECT_NE(again.err().find("File exists"), std::string::npos) << again.err();
}

TEST_F(FleetSeal, KeyIsGeneratedForAnOutputThatIsClosed_IsAnError) {
  Process keygen({"/bin/sh", "-c", "exec \"$0\" keygen >&-", JETON_AGENT_BINARY});
  EXPECT_EQ(keygen.wait(), 1);
  EXPECT_NE(keygen.err().find("standard output: Bad file descriptor"), std::string::npos) << keygen.err();
}

}  // namespace
}  // namespace jeton::test
