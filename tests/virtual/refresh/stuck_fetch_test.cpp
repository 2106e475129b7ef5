// A fetch that its source never ends, whatever the timeouts: the host that makes it must not keep the others from the
// provider for ever.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds timeout{20};  // of the source
constexpr seconds room{10};     // LeaseKeeper's
constexpr seconds lock_ttl{15};

class StuckFetch : public testing::Test {
 protected:
  static FleetSettings settings() {
    agent::HttpSourceConfig source;
    source.egress.timeout = timeout;
    FleetSettings settings{.agents = 3, .revokes = true, .lock_ttl = lock_ttl};
    settings.source = source;
    settings.refresh.min_interval = milliseconds(10);
    settings.refresh.overlap = seconds(30);
    return settings;
  }
  static std::string lock_owner(VirtualFleet& fleet) { return fleet.server().cli({"GET", "jeton:{api}:updater"}); }
};

TEST_F(StuckFetch, OutlastsTheTimeouts_AnotherHostFetchesAndEveryHostHasTheToken) {
  VirtualFleet fleet(settings());
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.provider.behave(Answer::never(), 1);
  fleet.refresh(0).refresh_now();
  for (std::size_t i = 1; i < fleet.size(); ++i) fleet.refresh(i).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.pass(timeout);
  EXPECT_EQ(fleet.provider.calls, 2U) << "the lock was not kept while the fetch was allowed to run";
  testing::internal::CaptureStderr();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(before); }, room + 2 * lock_ttl));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(fleet.provider.calls, 3U);
  EXPECT_NE(log.find("warning the fetch takes longer than its timeouts allow"), std::string::npos) << log;
}

TEST_F(StuckFetch, LockCannotBeRenewedMeanwhile_LogSaysWhy) {
  VirtualFleet fleet(settings());
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::never(), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.server().refuse("PEXPIRE", "NOREPLICAS Not enough good replicas to write.");
  testing::internal::CaptureStderr();
  fleet.pass(lock_ttl + seconds(2));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("updater lock expired while the token is fetched"), std::string::npos) << log;
  EXPECT_NE(log.find("NOREPLICAS"), std::string::npos) << log;
}

TEST_F(StuckFetch, IsARevocation_AnotherHostRevokes) {
  VirtualFleet fleet(settings());
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.provider.hanging_revocations = 1;
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(before); }, seconds(5)));
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.revocation_calls == 1; }, minutes(1)));
  fleet.pass(timeout);
  EXPECT_EQ(fleet.provider.revocation_calls, 1U) << "the lock was not kept while the revocation was allowed to run";
  ASSERT_TRUE(fleet.until([&] { return !fleet.provider.revoked.empty(); }, minutes(5)));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
}

// Another host would use the refresh token once more that this one has used.
TEST_F(StuckFetch, HasEndedAndItsTokenCannotBePublished_LockIsKept) {
  FleetSettings rotating = settings();
  agent::OAuth2SourceConfig source;
  source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
  source.egress.timeout = timeout;
  rotating.source = source;
  VirtualFleet fleet(std::move(rotating));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.server().refuse("HSET", "OOM command not allowed when used memory > 'maxmemory'.");
  const std::string owner = lock_owner(fleet);
  ASSERT_FALSE(owner.empty());
  fleet.pass(minutes(3));
  EXPECT_EQ(lock_owner(fleet), owner);
  fleet.server().refuse("HSET", "");
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(before); }, minutes(1)));
  EXPECT_EQ(fleet.provider.replays, 0U);
}

}  // namespace
}  // namespace jeton::test
