// Giving back and extending (lock scenarios 1, 6 to 10, 21), on every backend, and as Redis sees it.
#include <signal.h>

#include <thread>

#include "tests/integration/client_locks/lock_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

// The lock as the agent tells it, where there is no Redis to ask.
nlohmann::json shown(const LockAgent& agent, const std::string& name = "job") {
  const std::filesystem::path directory = agent.options().directory;
  const HttpAnswer answer = unix_http_get(directory / "agent.sock", "/v1/locks/" + name);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return nlohmann::json::parse(answer.body, nullptr, false);
}

// As an administrator does.
void force_release(const LockAgent& agent) {
  const RunResult done = run({"curl", "-sf", "--unix-socket", agent.options().directory + "/agent.sock", "-X", "DELETE",
                              "http://localhost/v1/locks/job"});
  EXPECT_EQ(done.status, 0) << done.err;
}

TEST_P(Locks, IsShownWithItsOwnerAndTheRestOfItsTimeToLive) {
  const auto before = std::chrono::steady_clock::now();
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.lock_for(patience));
  const auto seen = shown(*agent);
  const auto since = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - before);
  EXPECT_EQ(seen["owner"], one.owner());
  EXPECT_EQ(seen["fence"], one.fence());
  EXPECT_LE(seen["ttl_ms"], 60'000);
  EXPECT_GE(seen["ttl_ms"], 60'000 - since.count() - 5) << "it began before it was asked for";
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(shown(*agent)["held"], false);
}

TEST_P(Locks, WhatIsNotHeldIsNeitherGivenBackNorExtended) {
  Lock one = lock();
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(one.extend(seconds(1)), JETON_LOCK_NOT_HELD);
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(one.extend(seconds(1)), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(shown(*agent)["held"], false);
}

TEST_P(Locks, AnExtensionReplacesTheTimeToLiveAndKeepsTheFence) {
  Lock one = lock("job", std::chrono::hours(1));
  ASSERT_TRUE(one.lock_for(patience));
  const Fence fence = one.fence();
  EXPECT_TRUE(one.extend(seconds(60)).ok()) << one.reason();
  const auto seen = shown(*agent);
  EXPECT_LE(seen["ttl_ms"], 60'000);
  EXPECT_GT(seen["ttl_ms"], 30'000);
  EXPECT_EQ(seen["fence"], fence);
  EXPECT_EQ(one.fence(), fence);
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_P(Locks, WhatWasTakenFromItsHolderIsNotExtendedAndNotMadeAgain) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.lock_for(patience));
  force_release(*agent);
  EXPECT_EQ(one.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_EQ(shown(*agent)["held"], false);
  Lock next = lock("job", seconds(60));
  ASSERT_TRUE(next.lock_for(patience));
  EXPECT_EQ(one.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_LE(shown(*agent)["ttl_ms"], 60'000);
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(shown(*agent)["owner"], next.owner());
}

TEST_P(Locks, WhatExpiredIsNotExtendedAndGoesToTheNextWithAHigherFence) {
  Lock one = lock("job", milliseconds(500));
  ASSERT_TRUE(one.lock_for(patience));
  const std::string owner = one.owner();
  agent->process().signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  agent->process().signal(SIGCONT);
  EXPECT_EQ(one.extend(seconds(60)), JETON_LOCK_LOST);
  Lock next = lock();
  ASSERT_TRUE(next.lock_for(patience));
  EXPECT_GT(next.fence(), one.fence());
  EXPECT_NE(next.owner(), owner);
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(shown(*agent)["owner"], next.owner());
}

TEST_F(RedisLocks, TheKeyHoldsTheOwnerIdForTheTimeToLive) {
  const auto before = std::chrono::steady_clock::now();
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(value(), one.owner());
  const long left = pttl();
  const auto since = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - before);
  EXPECT_LE(left, 60'000);
  EXPECT_GE(left, 60'000 - since.count() - 5) << "it began before it was asked for";
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(value(), "");
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
