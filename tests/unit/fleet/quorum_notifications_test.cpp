#include "agent/fleet/redlock/quorum_notifications.hpp"

#include <gtest/gtest.h>

#include "tests/support/virtual_loop.hpp"

namespace jeton::agent {
namespace {

using Kind = Subject::Kind;

class QuorumNotificationsTest : public testing::Test {
 protected:
  test::VirtualLoop loop;
  QuorumNotifications notifications{loop.timers, 2};
};

TEST_F(QuorumNotificationsTest, ManyLocksAreReleased_OwnClaimOfATokenIsStillKnown) {
  notifications.own("me");
  for (std::size_t i = 0; i < 10'000; ++i)
    notifications.reached_majority(i % 2, Kind::lock, "release", std::to_string(i));
  EXPECT_FALSE(notifications.reached_majority(0, Kind::token, "claim", "me"));
  EXPECT_FALSE(notifications.reached_majority(1, Kind::token, "claim", "me"));
}

TEST_F(QuorumNotificationsTest, TwoServersSaySo_IsPassedOnOnce) {
  EXPECT_FALSE(notifications.reached_majority(0, Kind::lock, "release", "a"));
  EXPECT_FALSE(notifications.reached_majority(1, Kind::token, "release", "a"));
  EXPECT_TRUE(notifications.reached_majority(1, Kind::lock, "release", "a"));
  EXPECT_FALSE(notifications.reached_majority(2, Kind::lock, "release", "a"));
}

TEST_F(QuorumNotificationsTest, OneServerSaysItTwice_IsNoMajority) {
  EXPECT_FALSE(notifications.reached_majority(0, Kind::lock, "release", "a"));
  EXPECT_FALSE(notifications.reached_majority(0, Kind::lock, "release", "a"));
  EXPECT_TRUE(notifications.reached_majority(1, Kind::lock, "release", "a"));
}

}  // namespace
}  // namespace jeton::agent
