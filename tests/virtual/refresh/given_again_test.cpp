// The provider refuses a token and gives it again; and what an operator or a user who asks for another one is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

agent::RefreshConfig eager() {
  agent::RefreshConfig refresh;
  refresh.min_interval = milliseconds(10);
  refresh.retry_initial = milliseconds(500);
  return refresh;
}

struct GivenAgain : testing::Test {
  // Between two reports the fleet does not ask by itself.
  static agent::RefreshConfig patient() {
    agent::RefreshConfig refresh = eager();
    refresh.retry_initial = seconds(5);
    return refresh;
  }
  // Reported on host 0, and another answer of the provider is there.
  static void report(VirtualFleet& fleet) {
    const auto calls = fleet.provider.calls;
    fleet.refresh(0).rejected(fleet.segments[0].generation());
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls > calls; }, hours(1)));
    fleet.pass(seconds(5));
  }
};

TEST_F(GivenAgain, TokenThatWasRejected_StaysMarkedAndIsCountedWithEveryReport) {
  VirtualFleet fleet({.agents = 2, .refresh = patient()});
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto generation = fleet.segments[0].generation();
  for (std::uint32_t reports = 1; reports <= 4; ++reports) {
    report(fleet);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(fleet.segments[i].rejected);
      EXPECT_EQ(fleet.segments[i].generation(), generation);
      EXPECT_EQ(fleet.status(i).rejections, reports);
      EXPECT_THAT(fleet.status(i).last_error, HasSubstr("returned the rejected token again"));
    }
    EXPECT_EQ(fleet.status(0).rejections_reported, reports);
  }
  EXPECT_THAT(fleet.status(0).last_error, HasSubstr("4 times in a row"));
  fleet.provider.behave({});
  report(fleet);
  EXPECT_TRUE(fleet.all_above(generation));
  EXPECT_FALSE(fleet.segments[0].rejected);
  EXPECT_EQ(fleet.status(0).last_error, "");
}

// Users that see the mark do not use the token, so none of them reports it again.
TEST_F(GivenAgain, NobodyReportsItAgain_IsAskedForLessAndLessOftenUntilThereIsAnother) {
  VirtualFleet fleet({.agents = 2, .refresh = eager()});
  fleet.provider.lifetime = hours(24);
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto generation = fleet.segments[0].generation();
  report(fleet);
  fleet.pass(hours(1));
  const auto& at = fleet.provider.asked_at;
  ASSERT_GE(at.size(), 12U);
  EXPECT_LE(at.size(), 22U);
  for (std::size_t i = 2; i < at.size(); ++i) {
    const agent::Duration delay = std::min<agent::Duration>(milliseconds(500) * (1 << (i - 1)), minutes(5));
    EXPECT_GE(at[i] - at[i - 1], delay) << i;
    EXPECT_LE(at[i] - at[i - 1], delay + seconds(11)) << i << ": later than the spread";
  }
  EXPECT_THAT(fleet.status(1).last_error, HasSubstr("times in a row"));
  EXPECT_EQ(fleet.status(0).rejections_reported, 1U);
  fleet.provider.behave({});
  fleet.pass(minutes(6));
  EXPECT_TRUE(fleet.all_above(generation));
  EXPECT_FALSE(fleet.segments[1].rejected);
  EXPECT_EQ(fleet.status(0).last_error, "");
}

TEST_F(GivenAgain, ScheduleHasSpentItsBudget_ReserveIsLeftForAnOperator) {
  VirtualFleet fleet({.agents = 1, .refresh = eager(), .budget = {.calls = 10, .per = hours(24), .reserve = 4}});
  fleet.provider.lifetime = hours(24);
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  report(fleet);
  fleet.pass(hours(2));
  EXPECT_EQ(fleet.provider.calls, 6U);
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 7U);
}

TEST_F(GivenAgain, SeveralUsersReportTheSameAnswer_AreOneReportAndOneFetch) {
  VirtualFleet fleet({.agents = 2, .refresh = patient()});
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  report(fleet);
  const auto calls = fleet.provider.calls;
  for (std::size_t i = 0; i < 100; ++i) fleet.refresh(i % 2).rejected(fleet.segments[0].generation());
  fleet.pass(seconds(10));
  EXPECT_EQ(fleet.provider.calls, calls + 1);
  EXPECT_EQ(fleet.status(0).rejections_reported, 2U);
}

TEST(RefreshRequestAnswer, TokenIsYoung_NamesMinInterval) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.pass(milliseconds(500));
  EXPECT_EQ(fleet.refresh(0).refresh_now().held_by, "min_interval");
}

// An operator's refresh does not wait for what a rejection would wait for.
TEST(RefreshRequestAnswer, TokensWereRejectedInARow_NamesWhatDelaysThisRequest) {
  VirtualFleet fleet({.agents = 1, .refresh = eager()});
  fleet.start_all();
  fleet.pass(seconds(5));
  for (int i = 0; i < 2; ++i) {
    fleet.refresh(0).rejected(fleet.segments[0].generation());
    fleet.pass(seconds(2));
  }
  ASSERT_EQ(fleet.status(0).rejections, 2U);
  EXPECT_EQ(fleet.refresh(0).refresh_now().held_by, "");
}

TEST(RefreshRequestAnswer, RejectionsComeInARow_NamesTheirNumber) {
  agent::RefreshConfig refresh = eager();
  refresh.retry_initial = seconds(20);
  VirtualFleet fleet({.agents = 1, .refresh = refresh});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.refresh(0).rejected(fleet.segments[0].generation());
  fleet.pass(seconds(2));
  ASSERT_EQ(fleet.status(0).rejections, 1U);
  EXPECT_EQ(fleet.refresh(0).rejected(fleet.segments[0].generation()).held_by,
            "the provider rejected 2 tokens in a row");
  EXPECT_EQ(fleet.refresh(0).refresh_now().held_by, "") << "an operator does not wait for that";
}

TEST(RefreshRequestAnswer, BudgetIsSpent_NamesTheBudget) {
  VirtualFleet fleet({.agents = 1, .refresh = eager(), .budget = {.calls = 1, .per = hours(1), .reserve = 0}});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto answer = fleet.refresh(0).refresh_now();
  EXPECT_EQ(answer.held_by, "budget");
  EXPECT_GT(answer.due, fleet.loop.clock.wall_now() + minutes(50));
}

TEST(RefreshRequestAnswer, CoordinatorIsOutOfReach_NamesIt) {
  VirtualFleet fleet({.agents = 1, .refresh = eager()});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.cut_off_all();
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return !fleet.status(0).last_error.empty(); }, minutes(2)));
  EXPECT_EQ(fleet.refresh(0).refresh_now().held_by, "the coordinator cannot be reached");
}

}  // namespace
}  // namespace jeton::test
