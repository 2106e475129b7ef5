// Giving back and extending (lock scenarios 1, 6 to 10, 21), as Redis sees it.
#include <thread>

#include "tests/integration/client_locks/lock_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

TEST_F(RedisLocks, TheKeyHoldsTheOwnerIdForTheTimeToLive) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(value(), one.owner());
  EXPECT_GT(pttl(), 30'000);
  EXPECT_LE(pttl(), 60'000);
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(value(), "");
}

TEST_F(RedisLocks, WhatIsNotHeldCannotBeGivenBack) {
  Lock one = lock();
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(one.extend(seconds(1)), JETON_LOCK_NOT_HELD);
  ASSERT_TRUE(one.try_lock());
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
}

TEST_F(RedisLocks, AReleaseAfterATakeoverSaysSoAndLeavesTheSuccessorAlone) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  redis.cli({"SET", key(), "another", "PX", "50000"});
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(value(), "another");
  EXPECT_GT(pttl(), 20'000);
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
}

TEST_F(RedisLocks, AReleaseAfterTheKeyWasDeletedSaysSo) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  redis.cli({"DEL", key()});
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(value(), "");
}

TEST_F(RedisLocks, AnExtensionReplacesTheTimeToLive) {
  Lock one = lock("job", std::chrono::hours(1));
  ASSERT_TRUE(one.try_lock());
  const Fence fence = one.fence();
  EXPECT_TRUE(one.extend(seconds(60)).ok());
  EXPECT_LE(pttl(), 60'000);
  EXPECT_GT(pttl(), 30'000);
  EXPECT_TRUE(one.extend(std::chrono::hours(1)).ok());
  EXPECT_GT(pttl(), 60'000);
  EXPECT_EQ(one.fence(), fence);
  EXPECT_FALSE(one.lost());
  EXPECT_EQ(one.extend(std::chrono::hours(3)), JETON_AGENT_REFUSED);
  EXPECT_FALSE(one.lost());
}

TEST_F(RedisLocks, AShortenedLockIsStillRenewed) {
  Lock one = lock("job", std::chrono::hours(1));
  ASSERT_TRUE(one.try_lock());
  ASSERT_TRUE(one.extend(milliseconds(500)).ok());
  // Nobody asks for three times to live.
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_EQ(value(), one.owner());
}

TEST_F(RedisLocks, AnExtensionOfWhatIsAnothersFailsAndChangesNothing) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  redis.cli({"SET", key(), "another", "PX", "50000"});
  EXPECT_EQ(one.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_TRUE(one.lost());
  EXPECT_EQ(value(), "another");
  EXPECT_LE(pttl(), 50'000);

  Lock other = lock("other", seconds(60));
  ASSERT_TRUE(other.try_lock());
  redis.cli({"DEL", key("other")});
  EXPECT_EQ(other.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_EQ(value("other"), "");
}

TEST_F(RedisLocks, TheFenceRisesAlsoAfterFlushall) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  const Fence before = one.fence();
  redis.cli({"FLUSHALL"});
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_GT(one.fence(), before);
}

TEST_F(RedisLocks, TheMetadataIsSeenByWhoAsks) {
  LockOptions options = agent.options();
  options.metadata = R"(build "42" of C:\x)";
  Lock one("job", options);
  ASSERT_TRUE(one.try_lock());
  const HttpAnswer shown = unix_http_get(std::filesystem::path(options.directory) / "agent.sock", "/v1/locks/job");
  EXPECT_EQ(nlohmann::json::parse(shown.body).value("metadata", ""), options.metadata) << shown.body;
}

}  // namespace
}  // namespace jeton::test
