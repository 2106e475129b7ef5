#include "agent/refresh/standalone_fetch.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using LockAfter = agent::FetchPath::LockAfter;
using std::chrono::minutes;
using std::chrono::seconds;

// When it may fetch, if nothing else holds it back.
agent::BootTime due(const RefreshParts& parts) { return parts.standalone.due_at({}, {}); }

TEST(StandaloneFetch, ThereIsNoOutage_IsNeverDue) {
  RefreshParts parts;
  EXPECT_EQ(due(parts), agent::BootTime::max());
}

TEST(StandaloneFetch, OutageWithAToken_IsDueShortlyBeforeTheTokenEnds) {
  RefreshParts parts;
  parts.take(parts.record(1, minutes(10)));
  parts.fail(agent::Outage::Step::lock);
  EXPECT_EQ(due(parts), parts.now() + minutes(10) - RefreshParts::fetch_alone);
}

TEST(StandaloneFetch, OutageWithoutAToken_IsDueSomeTimeAfterItBegan) {
  RefreshParts parts;
  const agent::BootTime began = parts.now();
  parts.fail(agent::Outage::Step::lock);
  EXPECT_EQ(due(parts), began + RefreshParts::fetch_alone);
}

TEST(StandaloneFetch, CoordinatorHasNotJustFailed_IsAskedFirst) {
  RefreshParts parts;
  parts.fail(agent::Outage::Step::lock);
  parts.loop.pass(parts.outage.retry_at() - parts.now());
  EXPECT_EQ(due(parts), agent::BootTime::max());
}

TEST(StandaloneFetch, ScheduleOrPauseIsLater_IsDueThen) {
  RefreshParts parts;
  parts.fail(agent::Outage::Step::lock);
  EXPECT_EQ(parts.standalone.due_at(parts.now() + minutes(3), {}), parts.now() + minutes(3));
  EXPECT_EQ(parts.standalone.due_at({}, parts.now() + minutes(4)), parts.now() + minutes(4));
}

TEST(StandaloneFetch, OwnLockIsBusy_WaitsASecond) {
  RefreshParts parts;
  parts.take(parts.record(1, seconds(10)));
  parts.fail(agent::Outage::Step::lock);
  EXPECT_LE(due(parts), parts.now());
  EXPECT_FALSE(parts.loop.run(parts.standalone.try_lock()));
  EXPECT_EQ(due(parts), parts.now() + seconds(1));
}

// A restart of the agent in an outage finds it in the files of this host.
TEST(StandaloneFetch, FilesHaveAPause_HoldsThisHostUntilItsEndAndIsNotGivenToTheFleet) {
  RefreshParts parts;
  parts.own.lock.pause = agent::Pause{parts.now() + minutes(7), "429", {}};
  EXPECT_FALSE(parts.loop.run(parts.standalone.try_lock()));
  EXPECT_GE(parts.view.standalone_blocked_until(true), parts.now() + minutes(7));
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed());
}

TEST(StandaloneFetch, FilesHaveAPauseForARequest_EndsWhenTheRequestIsAnother) {
  RefreshParts parts;
  parts.own.lock.pause = agent::Pause{parts.now() + minutes(7), "401", parts.source.request};
  EXPECT_FALSE(parts.loop.run(parts.standalone.try_lock()));
  EXPECT_EQ(parts.pauses.correction_check_at(), parts.now());
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_TRUE(parts.view.is_paused());
  parts.source.request = "another";
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_EQ(parts.own.times("resume"), 1);
}

TEST(StandaloneFetch, FilesCannotBeWrittenWhenAPauseIsLifted_IsLiftedBeforeTheNextLock) {
  RefreshParts parts;
  parts.own.failing = {"resume"};
  parts.loop.run(parts.standalone.lift_pause());
  EXPECT_FALSE(parts.loop.run(parts.standalone.try_lock()));
  EXPECT_EQ(parts.own.times("try_acquire"), 0);
  parts.own.failing.clear();
  parts.loop.run(parts.standalone.try_lock());
  EXPECT_EQ(parts.own.calls, (std::vector<std::string>{"resume", "resume", "resume", "try_acquire"}));
}

TEST(StandaloneFetch, Admission_IsAgainstThisHostsOwnShare) {
  agent::TokenConfig config = RefreshParts::token_with_budget(100, 40);
  config.budget.alone = 3;
  RefreshParts parts(config);
  EXPECT_TRUE(parts.loop.run(parts.standalone.admit(parts.lease())));
  EXPECT_EQ(parts.own.limits.budget, 3U);
  EXPECT_EQ(parts.fleet.calls.size(), 0U);
}

TEST(StandaloneFetch, TokenHasNoBudget_NorHasThisHost) {
  RefreshParts parts;
  EXPECT_TRUE(parts.loop.run(parts.standalone.admit(parts.lease())));
  EXPECT_EQ(parts.own.limits.budget, 0U);
}

TEST(StandaloneFetch, ShareIsSpent_WaitsForTheWindowAndSaysSo) {
  RefreshParts parts(RefreshParts::token_with_budget(100));
  parts.own.admission = {.refusal = agent::FetchRefusal::budget, .retry_at = parts.now() + minutes(30)};
  EXPECT_FALSE(parts.loop.run(parts.standalone.admit(parts.lease())));
  parts.fail(agent::Outage::Step::lock);
  EXPECT_EQ(due(parts), parts.now() + minutes(30));
  EXPECT_FALSE(parts.view.is_paused()) << "the fleet is not held back";
}

TEST(StandaloneFetch, RecordIsPublished_IsCurrentHereAndNotInTheFleet) {
  RefreshParts parts;
  EXPECT_EQ(parts.loop.run(parts.standalone.publish(parts.record(7), parts.lease())), LockAfter::released);
  EXPECT_EQ(parts.current.generation(), 7U);
  EXPECT_EQ(parts.taken_stored.size(), 0U);
  EXPECT_EQ(parts.fleet.calls.size(), 0U);
}

TEST(StandaloneFetch, OwnFilesCannotBeWritten_RecordIsServedAllTheSameAndTheLockGivenBack) {
  RefreshParts parts;
  parts.own.failing = {"publish"};
  EXPECT_EQ(parts.loop.run(parts.standalone.publish(parts.record(7), parts.lease())), LockAfter::held);
  EXPECT_EQ(parts.current.generation(), 7U);
  EXPECT_EQ(parts.own.times("publish"), 1);
  EXPECT_FALSE(parts.outage.since()) << "of the coordinator";
}

TEST(StandaloneFetch, PauseIsKept_StaysOnThisHostAndIsNotKnownToTheFleet) {
  RefreshParts parts;
  EXPECT_FALSE(parts.loop.run(parts.standalone.share_pause({parts.now() + minutes(1), "503", {}})));
  EXPECT_EQ(parts.own.pauses.size(), 1U);
  EXPECT_EQ(parts.fleet.pauses.size(), 0U);
}

}  // namespace
}  // namespace jeton::test
