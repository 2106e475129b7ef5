// A token that was replaced is revoked at its provider when its overlap has ended: once for the fleet, and for certain.
#include <gmock/gmock.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Revocation : testing::Test {
  static FleetSettings settings(std::size_t agents) {
    FleetSettings settings{.agents = agents, .revokes = true};
    settings.refresh.min_interval = milliseconds(10);
    settings.refresh.overlap = seconds(30);
    return settings;
  }
  // This agent is asked to refresh, and every agent that runs has a newer token than it had.
  static bool renewed_by(VirtualFleet& fleet, std::size_t agent) {
    const auto before = fleet.segments[agent].generation();
    fleet.refresh(agent).refresh_now();
    return fleet.until([&] { return fleet.all([&](const agent::TokenStatus& s) { return s.generation > before; }); },
                       seconds(20));
  }
};

TEST_F(Revocation, TokenIsReplaced_HappensOnceForTheFleetAndNotBeforeTheOverlapEnds) {
  VirtualFleet fleet(settings(3));
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(seconds(29));
  EXPECT_TRUE(fleet.segments[0].record->previous) << "it is acceptable";
  EXPECT_EQ(fleet.provider.revocation_calls, 0U) << "revoked while it was still acceptable";
  fleet.pass(seconds(2));
  EXPECT_FALSE(fleet.segments[0].record->previous);
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
  // The others would follow after two lock TTLs and some spread.
  fleet.pass(minutes(2));
  ASSERT_TRUE(renewed_by(fleet, 2));
  fleet.pass(minutes(3));
  EXPECT_EQ(fleet.provider.revoked, (std::vector<std::string>{"token-1", "token-2"}));
  EXPECT_EQ(fleet.provider.revocation_calls, 2U);
}

// The default.
TEST_F(Revocation, ThereIsNoOverlap_HappensOnceForTheFleetAndAtOnce) {
  FleetSettings none = settings(3);
  none.refresh.overlap = milliseconds(0);
  VirtualFleet fleet(none);
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(seconds(1));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
  for (const auto& segment : fleet.segments) EXPECT_FALSE(segment.record->previous) << "it is not acceptable";
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.revocation_calls, 1U);
}

TEST_F(Revocation, ProviderFails_IsTriedUntilItHasHeardIt) {
  VirtualFleet fleet(settings(1));
  fleet.provider.failing_revocations = 3;
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(3));
  EXPECT_EQ(fleet.provider.revocation_calls, 4U);
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
}

TEST_F(Revocation, ProviderAsksForAnEndlessPause_IsTriedAgainAfterTheMaximum) {
  VirtualFleet fleet(settings(1));
  fleet.provider.lifetime = std::chrono::hours(12);
  fleet.provider.failing_revocations = 1;
  fleet.provider.revocation_retry_after = std::chrono::hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(59));
  EXPECT_EQ(fleet.provider.revocation_calls, 1U);
  fleet.pass(minutes(10));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
}

TEST_F(Revocation, ProviderRefusesOneForLong_NextOneIsNotHeldUp) {
  VirtualFleet fleet(settings(1));
  fleet.provider.lifetime = std::chrono::hours(12);
  fleet.provider.failing_revocations = 1;
  fleet.provider.revocation_retry_after = std::chrono::hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(1));
  ASSERT_EQ(fleet.provider.revocation_calls, 1U);
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(1));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-2"});
  fleet.pass(minutes(70));
  EXPECT_EQ(fleet.provider.revoked, (std::vector<std::string>{"token-2", "token-1"}));
}

// Also on a single host, whose files have no token before the current one when its overlap has ended.
TEST_F(Revocation, ProviderFailsAndTheAgentReloads_IsTriedUntilItHasHeardIt) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    FleetSettings of_fleet = settings(1);
    of_fleet.servers = servers;
    VirtualFleet fleet(of_fleet);
    fleet.provider.lifetime = std::chrono::hours(12);
    fleet.provider.failing_revocations = 1000;
    fleet.start_all();
    fleet.pass(seconds(5));
    ASSERT_TRUE(renewed_by(fleet, 0));
    ASSERT_TRUE(renewed_by(fleet, 0));
    fleet.pass(minutes(5));
    ASSERT_TRUE(fleet.provider.revoked.empty());
    fleet.reload(0);
    fleet.pass(minutes(1));
    fleet.provider.failing_revocations = 0;
    fleet.pass(minutes(30));
    EXPECT_THAT(fleet.provider.revoked, testing::UnorderedElementsAre("token-1", "token-2"));
  }
}

TEST_F(Revocation, HostThatFetchedIsGone_IsDoneByAnother) {
  VirtualFleet fleet(settings(2));
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  const std::size_t fetched = fleet.segments[0].record->fetched_by == "host-0" ? 0 : 1;
  fleet.crash(fetched);
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
}

TEST_F(Revocation, HostDiesBeforeTheOverlapEnds_IsMadeUpForAfterItsRestartAndOnce) {
  VirtualFleet fleet(settings(1));
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.crash(0);
  fleet.pass(seconds(20));
  fleet.start(0);
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-1"});
  fleet.crash(0);
  fleet.pass(seconds(20));
  fleet.start(0);
  fleet.pass(seconds(5));
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.revoked, (std::vector<std::string>{"token-1", "token-2"})) << "the first not once more";
}

// A host that started later knows of the newer one only, and is not held up by the provider's refusal of the older one.
TEST_F(Revocation, AnotherHostRevokesANewerTokenFirst_OlderOneIsRevokedAllTheSame) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    FleetSettings of_two = settings(2);
    of_two.servers = servers;
    VirtualFleet fleet(of_two);
    fleet.provider.lifetime = std::chrono::hours(12);
    fleet.start(0);
    fleet.pass(seconds(5));
    ASSERT_TRUE(renewed_by(fleet, 0));
    ASSERT_TRUE(renewed_by(fleet, 0));
    fleet.start(1);
    fleet.pass(seconds(5));
    fleet.provider.failing_revocations = 1;
    fleet.provider.revocation_retry_after = minutes(10);
    fleet.pass(minutes(5));
    ASSERT_EQ(fleet.provider.revoked, std::vector<std::string>{"token-2"});
    fleet.pass(minutes(10));
    EXPECT_EQ(fleet.provider.revoked, (std::vector<std::string>{"token-2", "token-1"}));
    EXPECT_EQ(fleet.provider.revocation_calls, 3U);
  }
}

// Some providers give the same token until it nears its end.
TEST_F(Revocation, ProviderGivesTheSameTokenAgain_IsNeverOfTheCurrentOne) {
  VirtualFleet fleet(settings(1));
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  for (std::uint64_t i = 0; i < 3; ++i) {
    fleet.refresh(0).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.status(0).publications == i + 2; }, seconds(20)));
    EXPECT_FALSE(fleet.segments[0].record->previous);
    fleet.pass(seconds(40));
  }
  EXPECT_EQ(fleet.provider.revocation_calls, 0U);
  fleet.provider.behave({});
  ASSERT_TRUE(renewed_by(fleet, 0));
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.revoked, std::vector<std::string>{"the-same-token"});
}

}  // namespace
}  // namespace jeton::test
