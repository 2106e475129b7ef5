// What one rotation costs in commands to Redis, counted by the server.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetRotationCost : FleetTest {
  RedisServer redis;

  // Calls of one command by clients; what scripts call is counted under other names.
  [[nodiscard]] std::uint64_t calls(const std::string& command) const {
    const std::string stats = redis.cli({"INFO", "commandstats"});
    const std::string key = "cmdstat_" + command + ":calls=";
    const auto at = stats.find(key);
    return at == std::string::npos ? 0 : std::stoull(stats.substr(at + key.size()));
  }
};

TEST_F(FleetRotationCost, WinnerNeedsThreeRoundTripsAndLosersNone) {
  FaultProvider provider({.lifetime = seconds(5)});
  for (int i = 0; i < 5; ++i) {
    add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url(), .lock_ttl = "30s"});
  }
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t issued = provider.counts().issued;
  ASSERT_TRUE(eventually([&] { return provider.counts().issued > issued; }));  // every script is known by now
  const auto generation = stored_generation(redis);
  ASSERT_TRUE(eventually([&] { return all_valid() && agents.back()->generation() >= generation; }));

  const auto attempts = [&] {
    std::uint64_t sum = 0;
    for (const auto& agent : agents) sum += agent->token()["counters"]["lock_attempts"].get<std::uint64_t>();
    return sum;
  };
  const auto scripts_before = calls("evalsha");
  const auto attempts_before = attempts();
  const auto issued_before = provider.counts().issued;
  ASSERT_TRUE(eventually([&] { return provider.counts().issued >= issued_before + 3; }));
  const auto last = stored_generation(redis);
  ASSERT_TRUE(eventually([&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() >= last; });
  }));
  const auto rotations = provider.counts().issued - issued_before;
  const auto lost_attempts = attempts() - attempts_before - rotations;
  // Acquire, admit, publish; and one for each agent that was too late to hear the winner's claim.
  EXPECT_EQ(calls("evalsha") - scripts_before, 3 * rotations + lost_attempts);
  EXPECT_LE(lost_attempts, 2 * rotations);
  RecordProperty("attempts_per_rotation",
                 std::to_string(1.0 + static_cast<double>(lost_attempts) / static_cast<double>(rotations)));
}

}  // namespace
}  // namespace jeton::test
