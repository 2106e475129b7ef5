// Locks that belong to whoever knows their owner id: jetonctl lock acquire, extend, release, show.
#include <set>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class DetachedLock : public EachBackend {};

TEST_P(DetachedLock, IsGivenToOneAndBusyForTheNext) {
  const Json first = host->acquire("job", "60s", {"--metadata", "nightly backup"});
  ASSERT_TRUE(first.is_object());
  EXPECT_EQ(first["name"], "job");
  EXPECT_EQ(first["ttl_ms"], 60'000);
  const Json before = host->show("job");
  const RunResult second = host->lock({"acquire", "job", "--ttl", "60s"});
  EXPECT_EQ(second.status, 4);
  EXPECT_NE(second.err.find(first["owner"].get<std::string>()), std::string::npos) << second.err;
  EXPECT_TRUE(second.out.empty());
  const Json shown = host->show("job");
  EXPECT_EQ(shown["owner"], first["owner"]);
  EXPECT_EQ(shown["fence"], first["fence"]);
  EXPECT_EQ(shown["metadata"], "nightly backup");
  EXPECT_LE(shown["ttl_ms"].get<int>(), before["ttl_ms"].get<int>()) << "the holder's time to live is untouched";
}

TEST_P(DetachedLock, HasOneWinnerOfManyAtOnce) {
  std::vector<std::unique_ptr<Process>> tries;
  for (int i = 0; i < 100; ++i) tries.push_back(host->start({"acquire", "job", "--ttl", "60s"}));
  int won = 0;
  int busy = 0;
  for (const auto& one : tries) {
    const int status = one->wait();
    won += status == 0 ? 1 : 0;
    busy += status == 4 ? 1 : 0;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(busy, 99);
}

TEST_P(DetachedLock, IsFreeAfterEachReleaseAndItsFenceRises) {
  std::uint64_t last = 0;
  for (int i = 0; i < 10; ++i) {
    const Json lock = host->acquire("job", "60s");
    ASSERT_TRUE(lock.is_object());
    EXPECT_GT(lock["fence"].get<std::uint64_t>(), last);
    last = lock["fence"].get<std::uint64_t>();
    ASSERT_EQ(host->release("job", lock), 0);
    EXPECT_TRUE(host->free("job"));
  }
}

TEST_P(DetachedLock, GoesToAnotherWhenItExpiresAndTheStaleOwnerChangesNothing) {
  const Json stale = host->acquire("job", "200ms");
  ASSERT_TRUE(stale.is_object());
  const Json next = host->acquire("job", "60s", {"--wait", "30s"});
  ASSERT_TRUE(next.is_object());
  EXPECT_NE(next["owner"], stale["owner"]);
  EXPECT_GT(next["fence"], stale["fence"]);
  EXPECT_EQ(host->release("job", stale), 5);
  EXPECT_EQ(host->extend("job", stale, "1h"), 5);
  const Json shown = host->show("job");
  EXPECT_EQ(shown["owner"], next["owner"]);
  EXPECT_GT(shown["ttl_ms"].get<int>(), 30'000) << "neither shortened";
  EXPECT_LE(shown["ttl_ms"].get<int>(), 60'000) << "nor extended";
}

TEST_P(DetachedLock, ExpiredIsNotExtendedAndNotCreatedAgain) {
  const Json lock = host->acquire("job", "200ms");
  ASSERT_TRUE(lock.is_object());
  ASSERT_TRUE(eventually([&] { return host->free("job"); }));
  EXPECT_EQ(host->extend("job", lock, "60s"), 5);
  EXPECT_EQ(host->release("job", lock), 5);
  EXPECT_TRUE(host->free("job"));
}

TEST_P(DetachedLock, IsNotHeldByWhoReleasedItOrNeverHadIt) {
  EXPECT_EQ(host->lock({"release", "job", "--owner", "nobody"}).status, 5);
  const Json lock = host->acquire("job", "60s");
  EXPECT_EQ(host->release("job", lock), 0);
  EXPECT_EQ(host->release("job", lock), 5);
  EXPECT_EQ(host->extend("job", lock, "60s"), 5);
  EXPECT_TRUE(host->free("job")) << "an extension creates nothing";
}

TEST_P(DetachedLock, ExtendReplacesTheTimeToLiveAndKeepsTheFence) {
  const Json lock = host->acquire("job", "1h");
  ASSERT_EQ(host->extend("job", lock, "1m"), 0);
  const Json shown = host->show("job");
  EXPECT_LE(shown["ttl_ms"].get<int>(), 60'000);
  EXPECT_GT(shown["ttl_ms"].get<int>(), 30'000);
  EXPECT_EQ(shown["fence"], lock["fence"]);
}

TEST_P(DetachedLock, IsHandedToAWaiterWhenItIsReleased) {
  const Json first = host->acquire("job", "1h");
  const auto waiter = host->start({"acquire", "job", "--ttl", "60s", "--wait", "60s"});
  const auto second_waiter = host->start({"acquire", "job", "--ttl", "60s", "--wait", "60s"});
  ASSERT_EQ(host->release("job", first), 0);
  ASSERT_TRUE(eventually([&] { return !waiter->running() || !second_waiter->running(); }));
  auto& winner = waiter->running() ? second_waiter : waiter;
  auto& other = waiter->running() ? waiter : second_waiter;
  EXPECT_EQ(winner->wait(), 0);
  const Json won = Json::parse(winner->out());
  ASSERT_EQ(host->release("job", won), 0);
  EXPECT_EQ(other->wait(), 0);
  EXPECT_GT(Json::parse(other->out())["fence"], won["fence"]);
}

TEST_P(DetachedLock, IsBusyWhenTheWaitRunsOutOrIsShorterThanTheRetry) {
  ASSERT_TRUE(host->acquire("job", "1h").is_object());
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "60s", "--wait", "20ms"}).status, 4);
  // Would hang for an hour if the wait were spent on the retry.
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "60s", "--wait", "1h", "--retry", "2h"}).status, 4);
}

TEST_P(DetachedLock, HasItsWholeTimeToLiveHoweverLongItWasWaitedFor) {
  const Json first = host->acquire("job", "2s");
  const Json second = host->acquire("job", "1h", {"--wait", "30s"});
  ASSERT_TRUE(second.is_object());
  EXPECT_GT(host->show("job")["ttl_ms"].get<int>(), 3'000'000);
  EXPECT_GT(second["fence"], first["fence"]);
}

TEST_P(DetachedLock, IsUnderTheOwnerIdThatWasAskedFor) {
  const Json lock = host->acquire("job", "60s", {"--owner", "deploy-42"});
  ASSERT_TRUE(lock.is_object());
  EXPECT_EQ(lock["owner"], "deploy-42");
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "60s", "--owner", "deploy-42"}).status, 4)
      << "not even it takes it twice";
  EXPECT_EQ(host->lock({"release", "job", "--owner", "deploy-42"}).status, 0);
}

TEST_P(DetachedLock, IsGivenBackIfNobodyCouldBeToldItsOwnerId) {
  std::vector<std::string> words = host->command({"acquire", "job", "--ttl", "1h"});
  words.insert(words.begin(), {"sh", "-c", "exec \"$@\" > /dev/full", "sh"});
  EXPECT_EQ(run(words).status, 1);
  EXPECT_TRUE(host->free("job"));
}

TEST_P(DetachedLock, OutlivesTheAgentThatGaveIt) {
  const Json lock = host->acquire("job", "1h");
  host->agent().kill();
  host->agent().start();
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "60s"}).status, 4);
  ASSERT_EQ(host->release("job", lock), 0);
  EXPECT_GT(host->acquire("job", "60s")["fence"], lock["fence"]);
}

TEST_P(DetachedLock, IsGivenUpByAWaiterThatIsInterrupted) {
  const Json first = host->acquire("job", "1h");
  const auto waiter = host->start({"acquire", "job", "--ttl", "1h", "--wait", "1h"});
  ASSERT_TRUE(eventually([&] {
    const RunResult probe =
        run({"/bin/sh", "-c", "test \"$(cat /proc/" + std::to_string(waiter->pid()) + "/comm)\" = jetonctl"});
    return probe.status == 0;
  }));
  waiter->signal(SIGINT);
  EXPECT_EQ(waiter->wait(), 128 + SIGINT);
  ASSERT_EQ(host->release("job", first), 0);
  const Json next = host->acquire("job", "60s", {"--wait", "30s"});
  EXPECT_TRUE(next.is_object()) << "what was not waited for any more was taken";
}

INSTANTIATE_TEST_SUITE_P(Each, DetachedLock, every_backend, backend_name);

}  // namespace
}  // namespace jeton::test
