#include "agent/refresh/fleet_view.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr agent::Duration spread = milliseconds(200);  // a block ends up to so much later

TEST(FleetView, ClaimIsLongerThanALock_EndsWithTheLock) {
  RefreshParts parts;
  parts.view.claim(parts.now() + hours(5));
  EXPECT_GE(parts.view.claimed_until(), parts.now() + RefreshParts::lock_ttl);
  EXPECT_LE(parts.view.claimed_until(), parts.now() + RefreshParts::lock_ttl + spread);
}

TEST(FleetView, TokenEndsDuringAClaim_ItsLastSecondsAreNotSpentWaiting) {
  RefreshParts parts;
  parts.take(parts.record(1, seconds(12)));
  parts.view.claim(parts.now() + seconds(14));
  EXPECT_LE(parts.view.claimed_until(), parts.now() + seconds(7) + spread);
}

TEST(FleetView, ShorterClaimFollows_TheLongerCounts) {
  RefreshParts parts;
  parts.view.claim(parts.now() + seconds(10));
  parts.view.claim(parts.now() + seconds(1));
  EXPECT_GE(parts.view.claimed_until(), parts.now() + seconds(10));
}

TEST(FleetView, ClaimIsHeardWhileTheLockIsOurs_IsIgnored) {
  RefreshParts parts;
  parts.view.lock_taken();
  parts.view.hear_claim(parts.now() + seconds(10));
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
  parts.view.lock_released();
  parts.view.hear_claim(parts.now() + seconds(10));
  EXPECT_GE(parts.view.claimed_until(), parts.now() + seconds(10));
}

// A forged message holds nobody back beyond the next look. What the coordinator says of the lock lasts.
TEST(FleetView, LookFindsNothingNew_EndsAClaimOfAMessageOnly) {
  RefreshParts parts;
  parts.view.hear_claim(parts.now() + seconds(10));
  parts.view.end_heard_claim();
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
  parts.view.claim(parts.now() + seconds(10));
  parts.view.end_heard_claim();
  EXPECT_GE(parts.view.claimed_until(), parts.now() + seconds(10));
  parts.view.mark_claim_unconfirmed();
  EXPECT_GE(parts.view.claimed_until(), parts.now() + seconds(10));
  parts.view.end_heard_claim();
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
}

TEST(FleetView, LockIsGivenBack_EndsAClaimThatWasHeardBefore) {
  RefreshParts parts;
  parts.view.hear_claim(parts.now() + seconds(10));
  parts.view.lock_taken();
  parts.view.lock_released();
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
}

TEST(FleetView, PauseIsHeardAgain_IsNoNews) {
  RefreshParts parts;
  EXPECT_TRUE(parts.view.pause({parts.now() + seconds(10), "429", "request-1"}));
  EXPECT_FALSE(parts.view.pause({parts.now() + seconds(10), "echo", "request-2"}));
  EXPECT_EQ(parts.view.pause_reason(), "429");
  EXPECT_EQ(parts.view.pause_request(), "request-1");
  EXPECT_TRUE(parts.view.pause({parts.now() + seconds(20), "longer", {}}));
  EXPECT_EQ(parts.view.pause_reason(), "longer");
}

TEST(FleetView, SchedulesPartOfTheBudgetIsSpent_BlocksTheScheduleOnly) {
  RefreshParts parts;
  parts.view.note_budget_spent(parts.now() + minutes(1), "budget");
  EXPECT_GE(parts.view.blocked_until(false), parts.now() + minutes(1));
  EXPECT_EQ(parts.view.blocked_until(true), agent::BootTime{});
  EXPECT_GE(parts.view.standalone_blocked_until(false), parts.now() + minutes(1));
}

TEST(FleetView, AnotherHostHasAClaim_DoesNotBlockAStandaloneFetch) {
  RefreshParts parts;
  parts.view.claim(parts.now() + seconds(10));
  EXPECT_GE(parts.view.blocked_until(true), parts.now() + seconds(10));
  EXPECT_EQ(parts.view.standalone_blocked_until(true), agent::BootTime{});
}

TEST(FleetView, PauseEnds_BlocksNothing) {
  RefreshParts parts;
  EXPECT_TRUE(parts.view.pause({parts.now() + seconds(10), "429", {}}));
  parts.view.note_budget_spent(parts.now() + seconds(10), "budget");
  parts.view.end_pause();
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_EQ(parts.view.blocked_until(false), agent::BootTime{});
}

TEST(FleetView, CountIsLargerThanTheBudget_IsCutToIt) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_usage({1000, parts.now() + hours(500)}, parts.now());
  EXPECT_EQ(parts.view.counted().calls, 10U);
  EXPECT_EQ(parts.view.counted().window_end, parts.now() + hours(1));
}

TEST(FleetView, LimitsOfTheSchedule_LeaveTheReserve) {
  RefreshParts parts(RefreshParts::token_with_budget(10, 3));
  EXPECT_EQ(parts.view.limits(false).budget, 7U);
  EXPECT_EQ(parts.view.limits(true).budget, 10U);
}

TEST(FleetView, LimitsInARunningWindow_CarryTheAnsweredCountAndNotTheHeardOne) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.view.note_usage({4, parts.now() + minutes(5)}, parts.now());
  parts.view.note_heard_usage({9, parts.now() + minutes(5)});
  EXPECT_EQ(parts.view.limits(false).known_calls, 4U);
  EXPECT_EQ(parts.view.limits(false).known_window_left, minutes(5));
  parts.loop.pass(minutes(6));
  EXPECT_EQ(parts.view.limits(false).known_calls, 0U);
  EXPECT_FALSE(parts.view.counts_calls());
}

TEST(FleetView, BudgetIsSpentByAMessage_HoldsUntilTheNextLook) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  const agent::BootTime look = parts.now() + seconds(30);
  EXPECT_EQ(parts.view.budget_spent_until(look), agent::BootTime{});
  parts.view.note_heard_usage({10, parts.now() + minutes(5)});
  EXPECT_EQ(parts.view.budget_spent_until(look), look);
  parts.view.note_usage({10, parts.now() + minutes(5)}, parts.now());
  EXPECT_EQ(parts.view.budget_spent_until(look), parts.now() + minutes(5));
}

TEST(FleetView, WindowOfAMessageEndsBeforeTheNextLook_HoldsUntilThen) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  const agent::BootTime end = parts.now() + seconds(3);
  parts.view.note_heard_usage({10, end});
  EXPECT_EQ(parts.view.budget_spent_until(parts.now() + seconds(30)), end);
}

// Streams and pages send a status that differs.
TEST(FleetView, NothingHasChanged_EachStatusIsTheSame) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  ASSERT_TRUE(parts.view.pause({parts.now() + minutes(5), "busy"}));
  parts.view.note_usage({4, parts.now() + minutes(9)}, parts.now());
  const auto status = [&] {
    agent::TokenStatus made;
    parts.view.describe(made);
    return made;
  };
  parts.loop.virtual_clock().a_look_takes = std::chrono::microseconds(300);
  const agent::TokenStatus first = status();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(status(), first);
  parts.loop.virtual_clock().wall_offset = minutes(60);
  EXPECT_GE(*status().paused_until - *first.paused_until, minutes(59)) << "the wall clock was stepped";
  EXPECT_GE(*status().window_end - *first.window_end, minutes(59));
}

TEST(FleetView, AnotherPauseBegins_ItsEndIsShown) {
  RefreshParts parts;
  ASSERT_TRUE(parts.view.pause({parts.now() + minutes(5), "busy"}));
  agent::TokenStatus first;
  parts.view.describe(first);
  parts.view.end_pause();
  ASSERT_TRUE(parts.view.pause({parts.now() + minutes(5) + milliseconds(700), "busy"}));
  agent::TokenStatus second;
  parts.view.describe(second);
  EXPECT_GE(*second.paused_until - *first.paused_until, milliseconds(400));
}

}  // namespace
}  // namespace jeton::test
