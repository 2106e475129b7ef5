// The scenario jeton was made for: short-lived tokens, a provider that allows few requests, many hosts, many readers.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetScenario : FleetTest {
  RedisServer redis;
};

TEST_F(FleetScenario, HundredReadersOnThreeHosts_OneFetchPerLifetime) {
  FaultProvider provider({.lifetime = rotating_lifetime, .rate_interval = seconds(2)});
  for (int i = 0; i < 3; ++i)
    add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url(), .refresh = rotation});
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));

  // A hundred readers must leave the provider, which is a thread here, its share of the processors.
  constexpr milliseconds between_reads(25);
  Readers readers;
  // Each token finds 25 readers more, up to a hundred. The first ones see five.
  for (int tokens = 1; tokens <= 5; ++tokens) {
    for (int i = 0; i < 25 && readers.size() < 100; ++i) {
      readers.push_back(std::make_unique<ReaderProcess>(*agents[readers.size() % 3], seconds(300), between_reads));
    }
    const auto issued = provider.counts().issued;
    ASSERT_TRUE(eventually([&] { return provider.counts().issued > issued; })) << tokens;
  }
  std::size_t most = 0;
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    expect_undisturbed(report);
    most = std::max(most, report["serials"].size());
  }
  EXPECT_GE(most, 5U);
  EXPECT_EQ(provider.counts().refused, 0U);
  EXPECT_TRUE(publishes_all_of(provider)) << "a fetch that brought no token, or one that was not published";
  expect_no_secret_logged(provider);
}

}  // namespace
}  // namespace jeton::test
