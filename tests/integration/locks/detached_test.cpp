// Locks that belong to any client that knows their owner id: jetonctl lock acquire, extend, release, show.
#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class DetachedLock : public LocalHost {};

TEST_F(DetachedLock, Held_IsPrintedAndBusyForTheNext) {
  const Json first = host.acquire("job", "60s", {"--metadata", "nightly backup"});
  ASSERT_TRUE(first.is_object());
  EXPECT_EQ(first["name"], "job");
  EXPECT_EQ(first["ttl_ms"], 60'000);
  const Json before = host.show("job");
  const RunResult second = host.lock({"acquire", "job", "--ttl", "60s"});
  EXPECT_EQ(second.status, 4);
  EXPECT_NE(second.err.find(first["owner"].get<std::string>()), std::string::npos) << second.err;
  EXPECT_TRUE(second.out.empty());
  const Json shown = host.show("job");
  EXPECT_EQ(shown["owner"], first["owner"]);
  EXPECT_EQ(shown["fence"], first["fence"]);
  EXPECT_EQ(shown["metadata"], "nightly backup");
  EXPECT_LE(shown["ttl_ms"].get<int>(), before["ttl_ms"].get<int>()) << "the holder's TTL is untouched";
}

TEST_F(DetachedLock, NotHeld_StatusOfReleaseAndExtendSaysSo) {
  EXPECT_EQ(host.lock({"release", "job", "--owner", "nobody"}).status, 5);
  const Json lock = host.acquire("job", "60s");
  EXPECT_EQ(host.release("job", lock), 0);
  EXPECT_EQ(host.release("job", lock), 5);
  EXPECT_EQ(host.extend("job", lock, "60s"), 5);
  EXPECT_TRUE(host.free("job")) << "an extension creates nothing";
}

TEST_F(DetachedLock, WaitRunsOutOrIsShorterThanTheRetry_IsBusy) {
  ASSERT_TRUE(host.acquire("job", "1h").is_object());
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s", "--wait", "20ms"}).status, 4);
  // Would hang for an hour if the wait were spent on the retry.
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s", "--wait", "1h", "--retry", "2h"}).status, 4);
}

TEST_F(DetachedLock, OwnerIdWasAskedFor_IsHeldUnderIt) {
  const Json lock = host.acquire("job", "60s", {"--owner", "deploy-42"});
  ASSERT_TRUE(lock.is_object());
  EXPECT_EQ(lock["owner"], "deploy-42");
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s", "--owner", "deploy-42"}).status, 4)
      << "not even it takes it twice";
  EXPECT_EQ(host.lock({"release", "job", "--owner", "deploy-42"}).status, 0);
}

TEST_F(DetachedLock, OwnerIdCannotBePrinted_IsGivenBack) {
  std::vector<std::string> words = host.command({"acquire", "job", "--ttl", "1h"});
  words.insert(words.begin(), {"sh", "-c", "exec \"$@\" > /dev/full", "sh"});
  EXPECT_EQ(run(words).status, 1);
  EXPECT_TRUE(host.free("job"));
}

TEST_F(DetachedLock, AgentIsKilled_IsStillHeld) {
  const Json lock = host.acquire("job", "1h");
  host.agent().kill();
  host.agent().start();
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s"}).status, 4);
  ASSERT_EQ(host.release("job", lock), 0);
  EXPECT_GT(host.acquire("job", "60s")["fence"], lock["fence"]);
}

TEST_F(DetachedLock, WaiterIsInterrupted_TakesNothing) {
  const Json first = host.acquire("job", "1h");
  const auto waiter = host.start({"acquire", "job", "--ttl", "1h", "--wait", "1h"});
  ASSERT_TRUE(host.waiting(1)) << waiter->err();
  waiter->signal(SIGINT);
  EXPECT_EQ(waiter->wait(), 128 + SIGINT);
  ASSERT_EQ(host.release("job", first), 0);
  const Json next = host.acquire("job", "60s", {"--wait", "30s"});
  EXPECT_TRUE(next.is_object()) << "what was not waited for any more was taken";
}

}  // namespace
}  // namespace jeton::test
