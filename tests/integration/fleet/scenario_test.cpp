// The scenario jeton was made for: short-lived tokens, a provider that allows few requests, many hosts, many readers.
#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/effort.hpp"

namespace jeton::test {
namespace {

struct FleetScenario : FleetTest {
  RedisServer redis;
};

TEST_F(FleetScenario, OneFetchPerLifetimeAndEveryReaderHasEveryToken) {
  FaultProvider provider({.lifetime = rotating_lifetime, .rate_interval = seconds(2)});
  for (int i = 0; i < 3; ++i)
    add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url(), .refresh = rotation});
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));

  const milliseconds between_reads(effort(5, 25));
  std::vector<std::unique_ptr<ReaderProcess>> readers;
  for (int batch = 0; batch < 4; ++batch) {
    for (int i = 0; i < 25; ++i) {
      readers.push_back(std::make_unique<ReaderProcess>(*agents[readers.size() % 3], seconds(300), between_reads));
    }
    std::this_thread::sleep_for(seconds(1));  // the scenario's own pace: 25 readers a second
  }
  ASSERT_TRUE(eventually([&] { return provider.counts().issued >= 8; }, seconds(100)));
  std::size_t most = 0;
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    expect_undisturbed(report);
    most = std::max(most, report["serials"].size());
  }
  EXPECT_GE(most, 7U);
  const auto counts = provider.counts();
  EXPECT_EQ(counts.requests, counts.issued) << "a fetch that brought no token";
  EXPECT_EQ(counts.refused, 0U);
  EXPECT_TRUE(publishes_all_of(provider)) << "a token that was fetched and not published";
  expect_no_secret_logged(provider);
}

}  // namespace
}  // namespace jeton::test
