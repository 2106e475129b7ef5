#include "agent/refresh/fleet_fetch.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Generations = std::vector<agent::Generation>;
using LockAfter = agent::FetchPath::LockAfter;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(FleetFetch, LockIsFree_BringsTheLeaseAndTheRecordThatIsPublished) {
  RefreshParts parts;
  parts.fleet.lock.lease = parts.lease(42);
  parts.fleet.lock.current = parts.record(2);
  const std::optional<agent::Lease> lease = parts.loop.run(parts.path.try_lock());
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->fence, 42U);
  EXPECT_EQ(parts.taken_stored, Generations{2});
}

TEST(FleetFetch, AnotherHostHasTheLock_IsAClaim) {
  RefreshParts parts;
  parts.fleet.lock.busy_until = parts.now() + seconds(10);
  EXPECT_FALSE(parts.loop.run(parts.path.try_lock()));
  EXPECT_GE(parts.view.claimed_until(), parts.now() + seconds(10));
}

TEST(FleetFetch, AnotherHostHasTheLockAndHasPublished_IsNoClaim) {
  RefreshParts parts;
  parts.fleet.lock.busy_until = parts.now() + seconds(10);
  parts.fleet.lock.current = parts.record(2);
  EXPECT_FALSE(parts.loop.run(parts.path.try_lock()));
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
}

TEST(FleetFetch, FleetIsPaused_IsKnownForSure) {
  RefreshParts parts;
  parts.fleet.lock.pause = agent::Pause{parts.now() + minutes(1), "429", {}};
  EXPECT_FALSE(parts.loop.run(parts.path.try_lock()));
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_TRUE(parts.pauses.confirmed());
}

// By its clock, which may be a little behind. The rest of a pause that this host has waited for is no echo of it.
TEST(FleetFetch, CoordinatorPausesForAMomentMore_IsNotAskedAtOnce) {
  RefreshParts parts;
  parts.pauses.hold({parts.now() + seconds(10), "429", {}});
  parts.loop.pass(parts.view.paused_until() - parts.now());
  parts.fleet.lock.pause = agent::Pause{parts.now() + milliseconds(1), "429", {}};
  EXPECT_FALSE(parts.loop.run(parts.path.try_lock()));
  EXPECT_GE(parts.view.blocked_until(true), parts.now() + milliseconds(20));
}

TEST(FleetFetch, CoordinatorIsOutOfReach_IsAnOutageOfTheStep) {
  RefreshParts parts;
  parts.fleet.failing = {"try_acquire"};
  EXPECT_FALSE(parts.loop.run(parts.path.try_lock()));
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(agent::Outage::Step::maintenance);
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(agent::Outage::Step::lock);
  EXPECT_FALSE(parts.outage.since());
}

TEST(FleetFetch, CallIsAdmitted_IsCounted) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.fleet.admission = {.calls_used = 5, .window_end = parts.now() + minutes(5)};
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_EQ(parts.view.counted().calls, 5U);
}

TEST(FleetFetch, BudgetOfTheScheduleIsSpent_ARequestIsNotHeldBack) {
  RefreshParts parts(RefreshParts::token_with_budget(10, 3));
  parts.fleet.admission = {
      .refusal = agent::FetchRefusal::budget, .retry_at = parts.now() + minutes(5), .calls_used = 7};
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_GE(parts.view.blocked_until(false), parts.now() + minutes(5));
  EXPECT_EQ(parts.view.blocked_until(true), agent::BootTime{});
  EXPECT_EQ(parts.view.counted().calls, 7U);
}

TEST(FleetFetch, WholeBudgetIsSpent_HoldsEveryRefreshBack) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.fleet.admission = {
      .refusal = agent::FetchRefusal::budget, .retry_at = parts.now() + minutes(5), .calls_used = 10};
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_GE(parts.view.blocked_until(true), parts.now() + minutes(5));
}

TEST(FleetFetch, MinIntervalRuns_HoldsEveryRefreshBack) {
  RefreshParts parts;
  parts.fleet.admission = {.refusal = agent::FetchRefusal::min_interval, .retry_at = parts.now() + seconds(3)};
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_GE(parts.view.blocked_until(true), parts.now() + seconds(3));
}

// The host that made them gives the count back within a second; a forged message holds nobody back again and again.
TEST(FleetFetch, StoreHasFewerCallsThanWereHeardOf_WaitsASecondOnce) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_heard_usage({2, parts.now() + hours(1)});
  parts.fleet.counted = {1, parts.now() + hours(1)};
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_EQ(parts.fleet.times("admit"), 0);
  EXPECT_GE(parts.view.blocked_until(true), parts.now() + seconds(1));
  EXPECT_LT(parts.view.blocked_until(true), parts.now() + seconds(2));
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
}

// The calls of a window that has ended say nothing about the next one.
TEST(FleetFetch, StoreHasFewerCallsThanWereHeardOfInANewWindow_WaitsASecondOnce) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_usage({5, parts.now() + seconds(1)}, parts.now());
  parts.loop.pass(seconds(2));
  parts.view.note_heard_usage({2, parts.now() + hours(1)});
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_EQ(parts.fleet.times("admit"), 0);
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
}

TEST(FleetFetch, StoreHasTheCallsThatWereHeardOf_Asks) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_heard_usage({2, parts.now() + hours(1)});
  parts.fleet.counted = {2, parts.now() + hours(1)};
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
}

TEST(FleetFetch, BudgetIsSpentByAMessage_DoesNotAskBeforeTheNextLook) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.loop.run(parts.repair.reload());
  parts.view.note_heard_usage({10, parts.now() + hours(1)});
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_EQ(parts.fleet.times("admit"), 0);
  EXPECT_GE(parts.view.blocked_until(true), parts.repair.next_look());
  parts.loop.pass(minutes(1));
  parts.loop.run(parts.repair.reload());
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
}

// "No host fetches until the window ends": the next look may be half a minute away.
TEST(FleetFetch, BudgetIsSpentByAMessage_AsksWhenItsWindowEnds) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.loop.run(parts.repair.reload());
  const agent::BootTime end = parts.now() + seconds(3);
  parts.view.note_heard_usage({10, end});
  EXPECT_FALSE(parts.loop.run(parts.path.admit(parts.lease())));
  EXPECT_GE(parts.view.blocked_until(true), end);
  EXPECT_LT(parts.view.blocked_until(true), end + seconds(1));
  parts.loop.pass(seconds(3));
  EXPECT_TRUE(parts.loop.run(parts.path.admit(parts.lease())));
}

TEST(FleetFetch, RecordIsStored_IsCurrentAndInTheStore) {
  RefreshParts parts;
  EXPECT_EQ(parts.loop.run(parts.path.publish(parts.record(7), parts.lease())), LockAfter::released);
  EXPECT_EQ(parts.taken, Generations{7});
  EXPECT_EQ(parts.fleet.stored->generation, 7U);
}

TEST(FleetFetch, RecordIsTooLate_TheNewerOneIsTaken) {
  RefreshParts parts;
  parts.fleet.stored = parts.record(9);
  EXPECT_EQ(parts.loop.run(parts.path.publish(parts.record(7), parts.lease())), LockAfter::released);
  EXPECT_EQ(parts.taken, Generations{9});
}

TEST(FleetFetch, RecordCannotBeStored_IsServedAndGivenBackLaterAndOthersMayTry) {
  RefreshParts parts;
  parts.fleet.failing = {"publish"};
  const agent::BootTime began = parts.now();
  EXPECT_EQ(parts.loop.run(parts.path.publish(parts.record(7), parts.lease())), LockAfter::held);
  EXPECT_EQ(parts.now() - began, seconds(5));
  EXPECT_GT(parts.fleet.times("publish"), 2);
  EXPECT_EQ(parts.current.generation(), 7U);
  EXPECT_EQ(parts.repair.repair_at(), parts.outage.retry_at());
}

TEST(FleetFetch, NewerRecordComesWhileOneCannotBeStored_IsGivenUp) {
  RefreshParts parts;
  parts.fleet.failing = {"publish"};
  parts.loop.timers.schedule(parts.now() + seconds(1), [&] { parts.take(parts.record(8)); });
  EXPECT_EQ(parts.loop.run(parts.path.publish(parts.record(7), parts.lease())), LockAfter::held);
  EXPECT_EQ(parts.current.generation(), 8U);
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(FleetFetch, RecordWithAStateCannotBeStored_TheLockIsKeptUntilItCan) {
  RefreshParts parts(RefreshParts::token_with_state());
  parts.fleet.failing = {"publish"};
  const agent::BootTime began = parts.now();
  parts.loop.timers.schedule(began + seconds(20), [&] { parts.fleet.failing.clear(); });
  EXPECT_EQ(parts.loop.run(parts.path.publish(parts.record(7, hours(10)), parts.lease())), LockAfter::released);
  EXPECT_GE(parts.now() - began, seconds(20));
  EXPECT_EQ(parts.fleet.stored->generation, 7U);
}

// The lock is kept for its TTL only. The state must not wait for the next loss of data that somebody notices.
TEST(FleetFetch, RecordOfAStateCannotBeStored_StateIsWrittenByTheRepair) {
  RefreshParts parts(RefreshParts::token_with_state());
  parts.fleet.failing = {"publish"};
  agent::Record record = parts.record(7, seconds(0));
  record.state = agent::SecretString("state");
  EXPECT_EQ(parts.loop.run(parts.path.publish(record, parts.lease())), LockAfter::kept);
  parts.fleet.failing.clear();
  ASSERT_LT(parts.repair.repair_at(), agent::BootTime::max());
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.stored->generation, 7U);
}

}  // namespace
}  // namespace jeton::test
