#include "agent/refresh/refresh_timing.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Reason = agent::RefreshRequest::Reason;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(RefreshTiming, ThereIsNoToken_IsDueWithinMilliseconds) {
  RefreshParts parts;
  parts.timing.draw_cold_start_delay();
  EXPECT_LE(parts.timing.due_at(), parts.now() + milliseconds(5));
  EXPECT_EQ(parts.timing.phase(), agent::RefreshPhase::quiet);
}

TEST(RefreshTiming, TokenIsValid_IsDueBySchedule) {
  RefreshParts parts;
  parts.take(parts.record(1, hours(2)));
  EXPECT_EQ(parts.timing.due_at(), *parts.current.refresh_due());
}

TEST(RefreshTiming, RefreshIsRequested_IsDueBeforeTheSchedule) {
  RefreshParts parts;
  parts.take(parts.record(1, hours(2)));
  parts.request.make(Reason::asked, parts.current.record());
  EXPECT_EQ(parts.timing.due_at(), parts.request.due());
}

TEST(RefreshTiming, AnotherHostHasAClaim_IsDueAfterIt) {
  RefreshParts parts;
  parts.view.claim(parts.now() + seconds(10));
  EXPECT_EQ(parts.timing.due_at(), parts.view.claimed_until());
  EXPECT_EQ(parts.timing.phase(), agent::RefreshPhase::waiting);
  EXPECT_EQ(parts.timing.answer({}).held_by, "another agent is fetching");
}

TEST(RefreshTiming, FleetIsPaused_IsDueAfterItAndNamesTheReason) {
  RefreshParts parts;
  parts.pauses.hear({parts.now() + seconds(10), "429", {}});
  EXPECT_EQ(parts.timing.due_at(), parts.view.paused_until());
  EXPECT_EQ(parts.timing.phase(), agent::RefreshPhase::backing_off);
  EXPECT_EQ(parts.timing.answer({}).held_by, "paused: 429");
}

TEST(RefreshTiming, CoordinatorJustFailed_IsDueWhenItIsAskedAgain) {
  RefreshParts parts;
  parts.fail(agent::Outage::Step::lock);
  EXPECT_EQ(parts.timing.due_at(), parts.outage.retry_at());
  EXPECT_EQ(parts.timing.phase(), agent::RefreshPhase::backing_off);
  EXPECT_EQ(parts.timing.answer({}).held_by, "the coordinator cannot be reached");
}

TEST(RefreshTiming, BudgetIsSpent_AnswerNamesItAndTheEndOfTheWindow) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.repair.note_usage({10, parts.now() + minutes(5)});
  const agent::RefreshAnswer answer = parts.timing.answer({});
  EXPECT_EQ(answer.held_by, "budget");
  EXPECT_EQ(answer.due, parts.loop.clock.wall_now() + minutes(5));
}

TEST(RefreshTiming, PrerequisiteIsMissing_AnswerNamesIt) {
  agent::TokenConfig config = RefreshParts::default_token();
  config.uses = {"base"};
  RefreshParts parts(config);
  EXPECT_EQ(parts.timing.missing_prerequisite(), "base");
  EXPECT_EQ(parts.timing.answer({}).held_by, "the token base, which the source uses, is not valid");
}

TEST(RefreshTiming, OutageAndATokenThatEnds_IsDueWithoutTheCoordinatorWhateverOthersClaim) {
  RefreshParts parts;
  parts.take(parts.record(1, seconds(20)));
  parts.loop.pass(seconds(19));
  parts.view.claim(parts.now() + seconds(10));
  EXPECT_EQ(parts.timing.standalone_at(), agent::BootTime::max());
  parts.fail(agent::Outage::Step::publish);
  EXPECT_LE(parts.timing.standalone_at(), parts.now());
  EXPECT_GT(parts.timing.due_at(), parts.now());
}

TEST(RefreshTiming, OutageInAPause_WaitsForItsEndWithoutTheCoordinatorToo) {
  RefreshParts parts;
  parts.fail(agent::Outage::Step::publish);
  parts.pauses.hear({parts.now() + hours(1), "429", {}});
  EXPECT_EQ(parts.timing.standalone_at(), parts.view.paused_until());
}

}  // namespace
}  // namespace jeton::test
