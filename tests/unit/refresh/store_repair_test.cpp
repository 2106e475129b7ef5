#include "agent/refresh/store_repair.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Calls = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(StoreRepair, StoreHasANewerRecord_ItIsTaken) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.fleet.stored = parts.record(2);
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.current.generation(), 2U);
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, LossesAreNotReported_LooksEveryHalfMinute) {
  RefreshParts parts;
  parts.loop.run(parts.repair.reload());
  EXPECT_GE(parts.repair.reload_at(), parts.now() + seconds(30));
  EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
}

TEST(StoreRepair, LossesAreReported_LooksEveryFiveMinutes) {
  RefreshParts parts;
  parts.fleet.reports = true;
  parts.loop.run(parts.repair.reload());
  EXPECT_GE(parts.repair.reload_at(), parts.now() + minutes(5));
  EXPECT_LE(parts.repair.reload_at(), parts.now() + minutes(6));
}

// Such as when the connection for messages is lost and does not come back.
TEST(StoreRepair, LossesAreNotReportedAnyMore_LooksAgainWithinHalfAMinute) {
  RefreshParts parts;
  parts.fleet.reports = true;
  parts.loop.run(parts.repair.reload());
  EXPECT_GE(parts.repair.reload_at(), parts.now() + minutes(5));
  parts.fleet.reports = false;
  EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
}

TEST(StoreRepair, ClaimIsHeard_IsCheckedWithinHalfAMinuteUnlessItEnds) {
  RefreshParts parts;
  parts.fleet.reports = true;
  parts.loop.run(parts.repair.reload());
  const agent::BootTime quiet = parts.repair.reload_at();
  parts.view.hear_claim(parts.now() + seconds(10));
  const agent::BootTime check = parts.repair.reload_at();
  EXPECT_GE(check, parts.now() + seconds(30));
  EXPECT_LE(check, parts.now() + seconds(36));
  EXPECT_EQ(parts.repair.next_look(), check);
  parts.loop.pass(seconds(1));
  EXPECT_EQ(parts.repair.reload_at(), check) << "it is not put off";
  parts.view.end_claim();
  EXPECT_EQ(parts.repair.reload_at(), quiet);
}

TEST(StoreRepair, FleetIsPaused_LooksEveryHalfMinute) {
  RefreshParts parts;
  parts.fleet.reports = true;
  parts.pauses.hear({parts.now() + minutes(10), "429", {}});
  parts.fleet.counted.paused = true;
  for (int i = 0; i < 3; ++i) {
    parts.loop.run(parts.repair.reload());
    EXPECT_GE(parts.repair.reload_at(), parts.now() + seconds(30));
    EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
  }
  EXPECT_EQ(parts.fleet.times("usage"), 3);
}

// This host must know the count that another one made: the other may be gone when the store has lost it.
TEST(StoreRepair, CountIsHeard_IsAskedForOnce) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.fleet.reports = true;
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.fleet.times("usage"), 0) << "nothing was counted";
  parts.view.note_heard_usage({4, parts.now() + minutes(50)});
  EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
  parts.fleet.counted = {4, parts.now() + minutes(50)};
  for (int i = 0; i < 3; ++i) parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.fleet.times("usage"), 1);
  EXPECT_EQ(parts.view.counted().calls, 4U);
  EXPECT_GE(parts.repair.reload_at(), parts.now() + minutes(5));
}

// The store had answered before the call was counted, or the pause was stored.
struct MessageOvertakesAnAnswer : testing::Test {
  MessageOvertakesAnAnswer() {
    parts.fleet.reports = true;
    parts.repair.reload_soon();
  }
  // Reads the store; a moment later, before the answer is here, the message is heard.
  void reload(const std::function<void()>& hear) {
    parts.fleet.while_counting = [&] {
      parts.loop.virtual_clock().now += milliseconds(1);
      hear();
    };
    parts.loop.run(parts.repair.reload());
    parts.fleet.while_counting = [] {};
  }
  [[nodiscard]] std::uint64_t shown() const {
    agent::TokenStatus status;
    parts.view.describe(status);
    return status.calls_used;
  }
  RefreshParts parts{RefreshParts::token_with_budget(10)};
};

TEST_F(MessageOvertakesAnAnswer, CountIsHigher_IsKeptAndCheckedWithinHalfAMinute) {
  parts.fleet.counted = {3, parts.now() + minutes(50)};
  reload([&] { parts.view.note_heard_usage({4, parts.now() + minutes(50)}); });
  EXPECT_EQ(parts.view.counted().calls, 3U);
  EXPECT_EQ(shown(), 4U);
  EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(shown(), 3U) << "the message was forged, or its call was lost";
  EXPECT_GE(parts.repair.reload_at(), parts.now() + minutes(5));
}

TEST_F(MessageOvertakesAnAnswer, CountIsLower_AnswerCounts) {
  parts.fleet.counted = {3, parts.now() + minutes(50)};
  reload([&] { parts.view.note_heard_usage({2, parts.now() + minutes(50)}); });
  EXPECT_EQ(shown(), 3U);
  EXPECT_GE(parts.repair.reload_at(), parts.now() + minutes(5));
}

TEST_F(MessageOvertakesAnAnswer, PauseBegins_IsKeptAndCheckedWithinHalfAMinute) {
  reload([&] { parts.pauses.hear({parts.now() + minutes(10), "429", {}}); });
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
  parts.loop.run(parts.repair.reload());
  EXPECT_FALSE(parts.view.is_paused()) << "the message was forged, or the pause was lifted";
}

// A host that starts after the loss does not know the lost pause.
TEST_F(MessageOvertakesAnAnswer, ShortPauseBeginsAndTheOneOfTheCoordinatorIsLost_LongOneIsGivenBack) {
  parts.fleet.reports = true;
  parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
  reload([&] { parts.pauses.hear({parts.now() + seconds(1), "502", {}}); });
  parts.loop.pass(seconds(36));
  parts.loop.run(parts.repair.reload());
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, AnotherHostHasAClaim_LooksEverySecond) {
  RefreshParts parts;
  parts.view.claim(parts.now() + seconds(10));
  parts.loop.run(parts.repair.reload());
  EXPECT_LE(parts.repair.reload_at(), parts.now() + milliseconds(1200));
}

TEST(StoreRepair, MessagesMayBeMissed_LooksAtOnce) {
  RefreshParts parts;
  parts.loop.run(parts.repair.reload());
  parts.repair.reload_soon();
  EXPECT_LE(parts.repair.reload_at(), parts.now());
  parts.loop.run(parts.repair.reload());
  EXPECT_GT(parts.repair.reload_at(), parts.now());
}

TEST(StoreRepair, StoreCannotBeRead_LooksAgainAfterARefreshThatIsDue) {
  RefreshParts parts;
  parts.fleet.failing = {"load"};
  parts.loop.run(parts.repair.reload());
  EXPECT_TRUE(parts.outage.since());
  EXPECT_GT(parts.repair.reload_at(), parts.outage.retry_at());
}

TEST(StoreRepair, StoreLostTheRecord_GetsItBackAfterADrawnDelay) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.loop.run(parts.repair.reload());
  EXPECT_LE(parts.repair.repair_at(), parts.now() + milliseconds(250));
  parts.loop.run(parts.repair.repair());
  ASSERT_TRUE(parts.fleet.stored);
  EXPECT_EQ(parts.fleet.stored->generation, 1U);
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, TokenHasRunOut_IsNotGivenBack) {
  RefreshParts parts;
  parts.take(parts.record(1, seconds(10)));
  parts.loop.pass(seconds(20));
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.times("publish"), 0);
}

TEST(StoreRepair, RecordOfASegmentLacksTheState_IsNotGivenBack) {
  RefreshParts parts(RefreshParts::token_with_state());
  parts.take(parts.record(1));
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.times("publish"), 0);
  agent::Record with_state = parts.record(2);
  with_state.state = agent::SecretString("state");
  parts.take(with_state);
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.times("publish"), 1);
}

TEST(StoreRepair, MessageBringsANewerRecordDuringTheLook_IsNoLoss) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.fleet.stored = parts.record(1);
  parts.fleet.while_loading = [&] { parts.take(parts.record(2)); };
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.current.generation(), 2U);
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, AnotherHostGaveTheRecordBack_NothingIsLeftToDo) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.repair.hear_loss();
  parts.repair.cancel_repair();
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, AnotherHostGaveTheRecordBackAndThisOneKnowsACount_GivesTheCountAllTheSame) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.repair.note_usage({4, parts.now() + minutes(5)});
  parts.repair.hear_loss();
  parts.repair.cancel_repair();
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
}

// No host may be admitted without the counts, and a second loss must not go unseen.
TEST(StoreRepair, CountsAndRecordAreLost_CountsComeBeforeTheRecordAndOnceMoreAfterIt) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.take(parts.record(1));
  parts.repair.note_usage({4, parts.now() + minutes(5)});
  parts.pauses.begin_confirmed({parts.now() + minutes(2), "429", {}}, parts.now());
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.calls,
            (Calls{"restore_usage", "usage", "pause", "publish", "restore_usage", "usage", "pause"}));
  ASSERT_FALSE(parts.fleet.restored.empty());
  EXPECT_EQ(parts.fleet.restored[0].calls, 4U);
  ASSERT_FALSE(parts.fleet.pauses.empty());
  EXPECT_EQ(parts.fleet.pauses[0].reason, "429");
}

TEST(StoreRepair, CountAndPauseWereOnlyHeard_AreNotGivenBack) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_heard_usage({4, parts.now() + minutes(5)});
  parts.pauses.hear({parts.now() + minutes(2), "429", {}});
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.calls, Calls{});
}

TEST(StoreRepair, CountIsLowerAfterAGap_WasLost) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.repair.note_usage({4, parts.now() + minutes(5)});
  parts.fleet.counted = {1, parts.now() + minutes(5)};
  parts.repair.reload_soon();
  parts.loop.run(parts.repair.reload());
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
  EXPECT_EQ(parts.view.counted().calls, 4U);
}

// As of a server that is busy when it is back: nothing says once more that something may be lost.
TEST(StoreRepair, LookAfterAGapFails_NextOneFindsWhatWasLost) {
  for (const char* failing : {"load", "usage"}) {
    SCOPED_TRACE(failing);
    RefreshParts parts(RefreshParts::token_with_budget(10));
    parts.fleet.reports = true;
    parts.repair.note_usage({4, parts.now() + minutes(5)});
    parts.pauses.begin_confirmed({parts.now() + minutes(2), "429", {}}, parts.now());
    parts.repair.reload_soon();
    parts.fleet.failing = {failing};
    parts.loop.run(parts.repair.reload());
    parts.fleet.failing.clear();
    EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
    parts.loop.run(parts.repair.reload());
    EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
    EXPECT_EQ(parts.view.counted().calls, 4U);
    EXPECT_TRUE(parts.view.is_paused());
    parts.fleet.counted = {4, parts.now() + minutes(5), true};
    parts.loop.run(parts.repair.reload());
    EXPECT_GE(parts.repair.reload_at(), parts.now() + seconds(30));
  }
}

// The record is worth having for its state.
TEST(StoreRepair, LookComesBetweenALossAndItsRepair_StateIsGivenBack) {
  RefreshParts parts(RefreshParts::token_with_state());
  agent::Record with_state = parts.record(1, seconds(10));
  with_state.state = agent::SecretString("state");
  parts.take(with_state);
  parts.loop.pass(seconds(20));
  parts.repair.hear_loss();
  parts.loop.run(parts.repair.reload());
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
}

// Neither a record nor a count tells of the loss.
TEST(StoreRepair, PauseIsMissingAfterAGap_WasLost) {
  RefreshParts parts;
  parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
  parts.repair.reload_soon();
  parts.loop.run(parts.repair.reload());
  EXPECT_TRUE(parts.view.is_paused());
  ASSERT_LT(parts.repair.repair_at(), agent::BootTime::max());
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.pauses.size(), 1U);
}

// As in a Cluster.
TEST(StoreRepair, PauseIsMissingAndLossesAreNotReported_NextLookFindsThatItWasLost) {
  for (const bool reports : {false, true}) {
    SCOPED_TRACE(reports);
    RefreshParts parts;
    parts.fleet.reports = reports;
    parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
    parts.fleet.counted.paused = true;
    parts.loop.run(parts.repair.reload());
    EXPECT_LE(parts.repair.reload_at(), parts.now() + seconds(36));
    parts.fleet.counted.paused = false;
    parts.loop.run(parts.repair.reload());
    EXPECT_EQ(parts.view.is_paused(), !reports);
    EXPECT_EQ(parts.repair.repair_at() < agent::BootTime::max(), !reports);
  }
}

// A host that had it from the coordinator writes it back within a second.
TEST(StoreRepair, PauseThatWasOnlyHeardIsMissingAfterAGap_GoesOnForASecond) {
  RefreshParts parts;
  parts.fleet.reports = true;
  parts.pauses.hear({parts.now() + minutes(20), "429", {}});
  parts.loop.pass(milliseconds(1));
  parts.repair.reload_soon();
  parts.loop.run(parts.repair.reload());
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
  EXPECT_EQ(parts.repair.reload_at(), parts.now() + seconds(1));
  parts.loop.run(parts.repair.reload());
  EXPECT_FALSE(parts.view.is_paused());
}

// This host was suspended meanwhile, say, and hears of the loss first.
TEST(StoreRepair, PauseWasLiftedBeforeTheRepair_IsNotWrittenBack) {
  RefreshParts parts;
  parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
  parts.fleet.counted.resumed = agent::Resumption{parts.now() + seconds(1), agent::ResumeReason::operator_asked};
  parts.repair.hear_loss();
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.pauses.size(), 0U);
  EXPECT_FALSE(parts.view.is_paused());
}

// This host had it from the only server of a quorum that still has it.
TEST(StoreRepair, PauseIsLeftOverBesideALift_IsNotWrittenToTheOthers) {
  RefreshParts parts;
  parts.fleet.counted.paused = true;
  parts.fleet.counted.resumed = agent::Resumption{parts.now() - seconds(1), agent::ResumeReason::operator_asked};
  parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
  parts.repair.reload_soon();
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
  parts.repair.hear_loss();
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.fleet.pauses.size(), 0U);
}

// No message told of the loss, or the host that fetched it could not publish it.
TEST(StoreRepair, TokenHasRunOutAndItsStateIsMissing_IsGivenBack) {
  RefreshParts parts(RefreshParts::token_with_state());
  agent::Record with_state = parts.record(1, seconds(10));
  with_state.state = agent::SecretString("state");
  parts.take(with_state);
  parts.loop.pass(seconds(20));
  parts.loop.run(parts.repair.reload());
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, CountIsLowerWithoutAGap_IsBelieved) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.repair.note_usage({4, parts.now() + minutes(5)});
  parts.fleet.counted = {1, parts.now() + minutes(5)};
  parts.loop.run(parts.repair.reload());
  EXPECT_EQ(parts.repair.repair_at(), agent::BootTime::max());
  EXPECT_EQ(parts.view.counted().calls, 1U);
}

TEST(StoreRepair, RepairFails_IsTriedAgainAfterARefreshThatIsDue) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.fleet.failing = {"publish"};
  parts.loop.run(parts.repair.repair());
  EXPECT_GT(parts.repair.repair_at(), parts.outage.retry_at());
  EXPECT_LT(parts.repair.repair_at(), agent::BootTime::max());
}

TEST(StoreRepair, StoreHasANewerRecordThanTheOneGivenBack_ItIsTaken) {
  RefreshParts parts;
  parts.take(parts.record(1));
  parts.fleet.stored = parts.record(2);
  parts.loop.run(parts.repair.repair());
  EXPECT_EQ(parts.current.generation(), 2U);
}

}  // namespace
}  // namespace jeton::test
