#include "agent/locks/lock_quota.hpp"

#include <gtest/gtest.h>

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

TEST(LockQuota, ProcessMayOpenMany_IsAsItIsWithoutALimit) {
  const LockLimits limits = limits_within(65'536);
  EXPECT_EQ(limits.locks, LockLimits{}.locks);
  EXPECT_EQ(limits.locks_per_user, LockLimits{}.locks_per_user);
  EXPECT_EQ(limits.waiters_per_user, LockLimits{}.waiters_per_user);
}

}  // namespace
}  // namespace jeton::agent
