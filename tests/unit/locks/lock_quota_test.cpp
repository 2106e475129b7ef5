#include <gtest/gtest.h>

#include "agent/locks/lock_policy.hpp"

namespace jeton::agent {
namespace {

// What else the agent needs: the clients of its local API (320), its sources and files.
constexpr std::size_t others = 600;

TEST(LockQuota, ProcessMayOpenFewDescriptors_LocksLeaveRoomForAllElse) {
  for (const std::size_t descriptors : {std::size_t{1024}, std::size_t{4096}, std::size_t{65'536}}) {
    const LockLimits limits = limits_within(descriptors);
    EXPECT_LE(limits.locks + 2 * limits.locks_per_user + others, descriptors) << "also with two admins beyond the rest";
    EXPECT_LT(limits.locks_per_user, limits.locks) << "no user takes the part of all";
    EXPECT_GE(limits.locks_per_user, limits.names_per_session);
  }
}

// libclient/README.md, *Limits*.
TEST(LockQuota, NumbersOfThePage_AreThoseOfTheCode) {
  const LockLimits limits;
  EXPECT_EQ(limits.locks_per_user, 2048U);
  EXPECT_EQ(limits.waiters_per_user, 1024U);
  EXPECT_EQ(limits.locks, 8192U);
  EXPECT_EQ(limits_within(32'768).locks, 8192U);
  for (const std::size_t descriptors : {std::size_t{32'764}, std::size_t{16'384}, std::size_t{1024}}) {
    const LockLimits fewer = limits_within(descriptors);
    EXPECT_EQ(fewer.locks, descriptors / 4) << "a quarter";
    EXPECT_EQ(fewer.locks_per_user, fewer.locks / 4) << "a quarter of that";
  }
}

TEST(LockQuota, ProcessMayOpenMany_IsAsItIsWithoutALimit) {
  const LockLimits limits = limits_within(65'536);
  EXPECT_EQ(limits.locks, LockLimits{}.locks);
  EXPECT_EQ(limits.locks_per_user, LockLimits{}.locks_per_user);
  EXPECT_EQ(limits.waiters_per_user, LockLimits{}.waiters_per_user);
}

}  // namespace
}  // namespace jeton::agent
