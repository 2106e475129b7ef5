#include "agent/refresh/refresh_request.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Reason = agent::RefreshRequest::Reason;
using agent::RefreshRequest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(RefreshRequest, NewerGenerationComes_IsClosed) {
  RefreshParts parts;
  parts.request.make(Reason::asked, parts.record(1));
  EXPECT_TRUE(parts.request.is_open(1));
  EXPECT_TRUE(parts.request.is_asked(1));
  EXPECT_FALSE(parts.request.is_open(2));
}

TEST(RefreshRequest, ThereIsNoToken_IsOfGenerationZero) {
  RefreshParts parts;
  parts.request.make(Reason::source_changed, std::nullopt);
  EXPECT_TRUE(parts.request.is_open(0));
  EXPECT_FALSE(parts.request.is_asked(0));
  EXPECT_LE(parts.request.due(), parts.now() + RefreshRequest::spread);
}

TEST(RefreshRequest, TokenIsPublishedAgainWithAState_StaysOpen) {
  RefreshParts parts;
  parts.request.make(Reason::rejected, parts.record(1));
  parts.request.follow(1, 2);
  EXPECT_TRUE(parts.request.is_rejection(2));
  parts.request.follow(1, 3);
  EXPECT_FALSE(parts.request.is_open(3)) << "1 is not what it replaces any more";
}

TEST(RefreshRequest, TokenIsYoung_WaitsForMinInterval) {
  RefreshParts parts;
  parts.request.make(Reason::asked, parts.record(1));
  EXPECT_EQ(parts.request.due(), parts.now() + parts.config.refresh.min_interval);
  EXPECT_EQ(parts.request.held_by(), "min_interval");
}

TEST(RefreshRequest, TokensWereRejectedInARow_WaitsLongerForARejectionOnly) {
  RefreshParts parts;
  agent::Record record = parts.record(1);
  record.rejections = 3;
  parts.request.make(Reason::rejected, record);
  EXPECT_EQ(parts.request.due(), parts.now() + 8 * parts.config.refresh.retry_initial);
  EXPECT_EQ(parts.request.held_by(), "the provider rejected 4 tokens in a row");
  parts.request.make(Reason::asked, record);
  EXPECT_EQ(parts.request.due(), parts.now() + parts.config.refresh.min_interval) << "the earliest counts";
  EXPECT_EQ(parts.request.held_by(), "min_interval");
  EXPECT_TRUE(parts.request.is_rejection(1)) << "it is one all the same";
}

TEST(RefreshRequest, AnotherHostIsToFetch_WaitsForIt) {
  RefreshParts parts;
  parts.request.make(Reason::rejected, std::nullopt, seconds(3));
  EXPECT_EQ(parts.request.due(), parts.now() + seconds(3));
  EXPECT_EQ(parts.request.held_by(), "the host that reported the rejection fetches first");
}

TEST(RefreshRequest, OperatorAsks_ConsentsToOneFetch) {
  RefreshParts parts;
  parts.request.make(Reason::rejected, parts.record(1));
  EXPECT_FALSE(parts.request.take_consent(1));
  parts.request.make(Reason::asked, parts.record(1));
  EXPECT_TRUE(parts.request.take_consent(1));
  EXPECT_FALSE(parts.request.take_consent(1));
}

TEST(RefreshRequest, MadeAgain_RejectionsCountAsOfTheFirst) {
  RefreshParts parts;
  agent::Record record = parts.record(1);
  record.rejections = 5;
  parts.request.make(Reason::rejected, record);
  parts.loop.pass(minutes(2));
  parts.request.make(Reason::rejected, record);
  EXPECT_EQ(parts.request.rejections(), 6U);
}

TEST(RejectionDelay, Rejections_DoubleItUpToTheMaximum) {
  const agent::RefreshConfig config;
  EXPECT_EQ(agent::rejection_delay(0, config), seconds(0));
  EXPECT_EQ(agent::rejection_delay(1, config), seconds(2));
  EXPECT_EQ(agent::rejection_delay(4, config), seconds(16));
  EXPECT_EQ(agent::rejection_delay(4'000'000'000, config), minutes(5));
}

TEST(NextRejections, TokenHadServed_BeginAnew) {
  RefreshParts parts;
  agent::Record record = parts.record(1, hours(2));
  record.rejections = 5;
  EXPECT_EQ(agent::next_rejections(record, record.issued_at + seconds(30), parts.config.refresh), 6U);
  EXPECT_EQ(agent::next_rejections(record, record.issued_at + minutes(2), parts.config.refresh), 1U);
  record.first_generation = 1;  // the rejected token, given again
  EXPECT_EQ(agent::next_rejections(record, record.issued_at + minutes(2), parts.config.refresh), 6U);
}

}  // namespace
}  // namespace jeton::test
