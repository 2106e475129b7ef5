#include "agent/refresh/refresh_request.hpp"
#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Reason = agent::RefreshRequest::Reason;
using std::chrono::hours;
using std::chrono::minutes;

struct RejectedToken : RefreshParts {
  RejectedToken() { take(record(5, hours(2))); }
  // As the loop does.
  void report() {
    rejections.report();
    request.make(Reason::rejected, current.record());
  }
};

TEST(Rejections, TokenIsReported_IsMarkedAndAnnouncedOnce) {
  RejectedToken parts;
  parts.report();
  EXPECT_TRUE(parts.current.rejected());
  EXPECT_TRUE(parts.rejections.is_to_announce());
  parts.loop.run(parts.rejections.announce());
  EXPECT_EQ(parts.fleet.rejected, std::vector<agent::Generation>{5});
  parts.report();
  EXPECT_FALSE(parts.rejections.is_to_announce());
  EXPECT_EQ(parts.journal.status().rejections_reported, 1U);
}

TEST(Rejections, CoordinatorIsOutOfReach_IsNotAnnouncedAgain) {
  RejectedToken parts;
  parts.fleet.failing = {"announce_rejection"};
  parts.report();
  parts.loop.run(parts.rejections.announce());
  EXPECT_FALSE(parts.rejections.is_to_announce());
  EXPECT_FALSE(parts.outage.since()) << "the lock decides that";
}

TEST(Rejections, AnotherHostReportsTheCurrentToken_IsMarkedAndNotAnnounced) {
  RejectedToken parts;
  EXPECT_FALSE(parts.rejections.hear(4));
  EXPECT_FALSE(parts.rejections.hear(6));
  EXPECT_FALSE(parts.current.rejected());
  EXPECT_TRUE(parts.rejections.hear(5));
  EXPECT_TRUE(parts.current.rejected());
  EXPECT_FALSE(parts.rejections.is_to_announce());
}

TEST(Rejections, AnotherHostReportsAKnownRejection_IsNoNews) {
  RejectedToken parts;
  parts.report();
  EXPECT_FALSE(parts.rejections.hear(5));
}

TEST(Rejections, RejectedTokenIsGivenAgain_NextReportIsOfThatAnswer) {
  RejectedToken parts;
  parts.report();
  agent::Record again = parts.record(6, hours(2));
  again.value = parts.current.record()->value;
  again.first_generation = 5;
  parts.take(again);
  parts.rejections.mark();
  parts.rejections.report();
  EXPECT_EQ(parts.journal.status().rejections_reported, 2U);
}

TEST(Rejections, TokenIsReplacedForARejection_CountsOneMoreInARow) {
  RejectedToken parts;
  agent::Record first = parts.record(6, hours(2));
  first.rejections = 2;
  parts.take(first);
  parts.report();
  EXPECT_EQ(parts.rejections.count_with(parts.record(7), true), 3U);
  EXPECT_EQ(parts.rejections.count_with(parts.record(7), false), 0U) << "by schedule, with another token";
}

TEST(Rejections, RejectedTokenIsGivenAgainBySchedule_IsOneMoreInARow) {
  RejectedToken parts;
  agent::Record first = parts.record(6, hours(2));
  first.rejections = 2;
  parts.take(first);
  parts.report();
  EXPECT_EQ(parts.rejections.count_with(first, false), 3U);
}

}  // namespace
}  // namespace jeton::test
