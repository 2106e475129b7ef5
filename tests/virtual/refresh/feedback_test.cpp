// The effects of a provider's answers and of users' reports on a fleet: pauses, Retry-After, rejections, the budget's
// reserve.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::RefreshConfig;
using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

bool paused(const TokenStatus& status) { return status.paused_until.has_value(); }

RefreshConfig quick() {
  RefreshConfig refresh;
  refresh.min_interval = milliseconds(10);
  refresh.retry_initial = milliseconds(500);
  refresh.retry_permanent = hours(1);
  return refresh;
}

TEST(ProviderFailure, IsTransient_IsTriedAgainWithTheFleetsBackoffAndTheTokenIsKept) {
  VirtualFleet fleet({.agents = 20});
  fleet.start_all();
  fleet.pass(minutes(7));
  fleet.provider.behave(Answer::failure());
  const auto before = fleet.provider.calls;
  fleet.pass(minutes(2));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_GE(fleet.provider.calls - before, 2U);
  ASSERT_LE(fleet.provider.calls - before, 20U) << "the backoff is the fleet's, not each agent's own";
  fleet.pass(minutes(60));
  // Full jitter of at most 60 s: two a minute on average; a hot loop would be thousands.
  EXPECT_LE(fleet.provider.calls - before, 300U);
  EXPECT_FALSE(fleet.all_valid());
  EXPECT_TRUE(fleet.segments.front().expired);
  fleet.provider.behave({});
  fleet.pass(minutes(2));
  EXPECT_TRUE(fleet.all_valid());
}

// Longer than any backoff of its own, so that nothing but the header can be the reason.
TEST(ProviderFailure, NamesARetryAfter_IsObeyedByEveryHost) {
  VirtualFleet fleet({.agents = 5});
  fleet.provider.behave(Answer::failure(minutes(20)), 1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, hours(1)));
  EXPECT_GE(fleet.provider.asked_at[1] - fleet.provider.asked_at[0], minutes(20));
  EXPECT_LE(fleet.provider.asked_at[1] - fleet.provider.asked_at[0], minutes(20) + seconds(1));
  fleet.pass(seconds(1));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(ProviderRefusal, IsPermanent_IsTriedEveryFewMinutesOnly) {
  VirtualFleet fleet({.agents = 20});
  fleet.provider.behave(Answer::refusal());
  fleet.start_all();
  fleet.pass(minutes(60));
  EXPECT_GE(fleet.provider.calls, 8U);
  EXPECT_LE(fleet.provider.calls, 13U);
}

TEST(ProviderRefusal, RequestIsRefused_IsRepeatedByNoHostAndNoRestart) {
  VirtualFleet fleet({.agents = 3, .refresh = quick()});
  fleet.provider.behave(Answer::refusal());
  fleet.start_all();
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all(paused));
  fleet.stop(0);
  fleet.start(0);
  fleet.pass(minutes(50));
  EXPECT_TRUE(fleet.all(paused));
  EXPECT_EQ(fleet.provider.calls, 1U);
}

TEST(ProviderRefusal, SecretIsMended_EndsThePause) {
  VirtualFleet fleet({.agents = 2, .refresh = quick()});
  fleet.provider.behave(Answer::refusal(), 1);
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(fleet.all(paused));
  for (std::string& secret : fleet.secrets) secret = "mended";
  fleet.pass(seconds(10));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(ProviderRefusal, HostHasAnotherSecret_TriesItsOwnOnce) {
  VirtualFleet fleet({.agents = 2, .refresh = quick()});
  fleet.provider.behave(Answer::refusal());
  fleet.secrets[1] = "another";
  fleet.start(0);
  fleet.pass(seconds(5));
  ASSERT_TRUE(fleet.all(paused));
  fleet.start(1);
  fleet.pass(minutes(50));
  EXPECT_EQ(fleet.provider.calls, 2U) << "they must not lift each other's pause for ever";
  EXPECT_TRUE(fleet.all(paused));
}

TEST(ProviderRefusal, OperatorAsksForARefresh_EndsThePause) {
  VirtualFleet fleet({.agents = 1, .refresh = quick()});
  fleet.provider.behave(Answer::refusal(), 1);
  fleet.start(0);
  fleet.pass(minutes(10));
  ASSERT_TRUE(fleet.all(paused));
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(1));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(Rejection, FiveHundredReportsOnFiveHosts_AreOneFetch) {
  VirtualFleet fleet({.agents = 5});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto refused = fleet.stored_generation();
  for (std::size_t i = 0; i < 500; ++i) fleet.refresh(i % 5).rejected(refused);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_above(refused));
  EXPECT_FALSE(fleet.segments.front().rejected);
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(Rejection, IsReportedOnOneHost_MarksTheTokenOnEveryHostUntilTheNewOneIsThere) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto refused = fleet.stored_generation();
  fleet.provider.behave(Answer::never(), 1);
  fleet.refresh(0).rejected(refused);
  fleet.pass(seconds(1));
  for (const ModelSegment& segment : fleet.segments) EXPECT_TRUE(segment.rejected);
  EXPECT_TRUE(fleet.all_valid()) << "it stays readable";
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.provider.release();
  fleet.pass(seconds(10));
  EXPECT_TRUE(fleet.all_above(refused));
  for (const ModelSegment& segment : fleet.segments) EXPECT_FALSE(segment.rejected);
}

TEST(Rejection, HostThatWasToldDies_IsMendedByAnother) {
  VirtualFleet fleet({.agents = 2});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto refused = fleet.stored_generation();
  fleet.provider.behave(Answer::never(), 1);
  fleet.refresh(0).rejected(refused);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.crash(0);
  fleet.pass(seconds(25));
  EXPECT_GT(fleet.segments[1].generation(), refused);
  EXPECT_FALSE(fleet.segments[1].rejected);
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(Rejection, OnlyHostDiesAfterTheReport_IsActedOnByItsNextRun) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto refused = fleet.stored_generation();
  fleet.provider.behave(Answer::never(), 1);
  fleet.refresh(0).rejected(refused);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.crash(0);
  fleet.start(0);
  fleet.pass(seconds(25));
  EXPECT_TRUE(fleet.all_above(refused));
}

TEST(Rejection, GenerationIsNotTheCurrentOne_FetchesNothing) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto current = fleet.stored_generation();
  EXPECT_FALSE(fleet.refresh(0).rejected(current + 1).known);
  EXPECT_TRUE(fleet.refresh(0).rejected(current - 1).superseded);
  fleet.pass(minutes(1));
  EXPECT_FALSE(fleet.segments[0].rejected);
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// Two hosts report every new token at once.
TEST(Rejection, ProviderRejectsEveryToken_IsAskedLessAndLessOften) {
  VirtualFleet fleet({.agents = 2, .refresh = quick()});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto end = fleet.loop.clock.boot_now() + seconds(60);
  while (fleet.loop.clock.boot_now() < end) {
    for (std::size_t i = 0; i < 2; ++i) fleet.refresh(i).rejected(fleet.segments[i].generation());
    fleet.pass(milliseconds(20));
  }
  // The first, one at once, and one each 1, 2, 4, 8 and 16 s after its predecessor's issue.
  EXPECT_GE(fleet.provider.calls, 6U);
  EXPECT_LE(fleet.provider.calls, 8U);
  const auto& at = fleet.provider.asked_at;
  for (std::size_t i = 3; i < at.size(); ++i) EXPECT_GE(at[i] - at[i - 1], seconds(1) * (1 << (i - 3)));
  EXPECT_NE(fleet.status(0).last_error.find("in a row"), std::string::npos) << fleet.status(0).last_error;
}

TEST(Rejection, ScheduleHasSpentItsBudget_UsesTheReserve) {
  VirtualFleet fleet({.agents = 1, .refresh = quick(), .budget = {.calls = 3, .per = hours(1), .reserve = 2}});
  fleet.start_all();
  fleet.pass(seconds(5));
  for (std::uint64_t spent = 1; spent < 3; ++spent) {
    const auto refused = fleet.stored_generation();
    fleet.refresh(0).rejected(refused);
    fleet.pass(seconds(5));
    EXPECT_GT(fleet.stored_generation(), refused);
    EXPECT_EQ(fleet.provider.calls, spent + 1);
  }
  fleet.refresh(0).rejected(fleet.stored_generation());
  fleet.pass(minutes(5));
  EXPECT_EQ(fleet.status(0).pause_reason, "budget");
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(Budget, IsSpentInSeveralCalls_WindowBeganWithTheFirst) {
  VirtualFleet fleet({.agents = 1, .refresh = quick(), .budget = {.calls = 3, .per = hours(1)}});
  fleet.provider.lifetime = hours(12);
  fleet.start_all();
  for (std::uint64_t calls = 1; calls <= 3; ++calls) {
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == calls; }, seconds(10)));
    fleet.pass(minutes(15));
    fleet.refresh(0).rejected(fleet.stored_generation());
  }
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 4; }, hours(2)));
  EXPECT_GE(fleet.provider.asked_at[3] - fleet.provider.asked_at[0], hours(1));
  EXPECT_LE(fleet.provider.asked_at[3] - fleet.provider.asked_at[0], hours(1) + minutes(1));
}

}  // namespace
}  // namespace jeton::test
