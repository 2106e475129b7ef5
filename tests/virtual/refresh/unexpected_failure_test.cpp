// A part of the loop throws an exception that its contract does not name: that is a failure like any other, and the
// token is refreshed all the same.
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class UnexpectedFailure : public testing::TestWithParam<std::exception_ptr> {};

FleetSettings with_a_state() {
  agent::OAuth2SourceConfig source;
  source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
  return {.agents = 1, .source = source};
}

void expect_a_failure(VirtualFleet& fleet, const std::exception_ptr& thrown) {
  fleet.provider.behave(Answer::defect(thrown), 1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 1; }));
  fleet.pass(fleet.provider.answer_time + std::chrono::milliseconds(10));
  const agent::TokenStatus status = fleet.status(0);
  EXPECT_EQ(status.fetch_failures, 1U);
  EXPECT_EQ(status.last_error.find("the source failed in an unexpected way: "), 0U) << status.last_error;
  EXPECT_EQ(status.last_error.find("s3cret"), std::string::npos) << status.last_error;
  EXPECT_FALSE(status.holds_lock) << "another host may fetch";
  EXPECT_TRUE(status.paused_until);
}

TEST_P(UnexpectedFailure, SourceThrows_IsTriedAgainAfterAPause) {
  VirtualFleet fleet({.agents = 1});
  ASSERT_NO_FATAL_FAILURE(expect_a_failure(fleet, GetParam()));
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, seconds(5)));
}

// The refresh token may have been sent.
TEST_P(UnexpectedFailure, SourceThatKeepsAStateThrows_IsTriedAgainAfterALongPause) {
  VirtualFleet fleet(with_a_state());
  ASSERT_NO_FATAL_FAILURE(expect_a_failure(fleet, GetParam()));
  fleet.pass(minutes(4));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, minutes(2)));
}

TEST_P(UnexpectedFailure, RevocationThrows_IsTriedAgain) {
  FleetSettings settings{.agents = 1, .revokes = true};
  settings.refresh.overlap = seconds(30);
  VirtualFleet fleet(settings);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.defect_of_revocation = GetParam();
  fleet.pass(minutes(12));
  ASSERT_GE(fleet.provider.revocation_calls, 2U);
  EXPECT_EQ(fleet.provider.revoked.at(0), "token-1");
}

const boost::system::error_code reset = make_error_code(boost::system::errc::connection_reset);
const boost::system::error_code aborted = make_error_code(boost::asio::error::operation_aborted);

INSTANTIATE_TEST_SUITE_P(Any, UnexpectedFailure,
                         testing::Values(std::make_exception_ptr(agent::TransportError("out of reach")),
                                         std::make_exception_ptr(std::runtime_error("unexpected text near s3cret")),
                                         std::make_exception_ptr(boost::system::system_error(reset)),
                                         std::make_exception_ptr(boost::system::system_error(aborted))),
                         [](const auto& sample) { return "sample" + std::to_string(sample.index); });

TEST(UnexpectedFailureOfTheSegment, KeptRecordCannotBeShown_TokenIsRefreshedAllTheSame) {
  VirtualFleet fleet(with_a_state());
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.stop(0);
  fleet.segments[0] = {};  // a reboot; the kept record is the first that is written
  fleet.segments[0].failing_writes = 1;
  fleet.server().kill();
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_NE(fleet.status(0).last_error, "");
  fleet.server().restart();
  fleet.refresh(0).refresh_now();
  EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, minutes(1)));
  fleet.pass(seconds(1));
  EXPECT_EQ(fleet.segments[0].failing_writes, 0);
  EXPECT_TRUE(fleet.segments[0].record);
}

// Such as a token above the capacity, until the capacity is raised: readers do not wait for the next token.
TEST(UnexpectedFailureOfTheSegment, TokenCannotBeShown_IsTriedAgainSoon) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.segments[0].failing_writes = 3;
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.segments[0].failing_writes, 0);
  EXPECT_TRUE(fleet.segments[0].record);
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// The segment still has the previous token. The provider did not refuse that one, and an agent that adopts it must not
// fetch.
TEST(UnexpectedFailureOfTheSegment, TokenThatCannotBeShownIsRejected_FlagWaitsForThatToken) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.segments[0].failing_writes = 1000;
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() > fleet.segments[0].generation(); }, minutes(1)));
  const auto refused = fleet.stored_generation();
  fleet.provider.behave(Answer::refusal());
  ASSERT_TRUE(fleet.until([&] { return fleet.refresh(0).rejected(refused).known; }, seconds(1)));
  EXPECT_TRUE(fleet.status(0).rejected);
  EXPECT_FALSE(fleet.segments[0].rejected);
  fleet.segments[0].failing_writes = 0;
  ASSERT_TRUE(fleet.until([&] { return fleet.segments[0].generation() == refused; }, seconds(10)));
  EXPECT_TRUE(fleet.segments[0].rejected);
}

}  // namespace
}  // namespace jeton::test
