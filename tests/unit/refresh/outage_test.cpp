#include "agent/refresh/standalone_fetch.hpp"
#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Step = agent::Outage::Step;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Outage, StepFails_BeginsThenAndLeavesTheCoordinatorAloneForAMoment) {
  RefreshParts parts;
  const agent::BootTime began = parts.now();
  parts.fail(Step::load);
  parts.loop.pass(seconds(3));
  parts.fail(Step::load);
  EXPECT_EQ(parts.outage.since(), began);
  EXPECT_GE(parts.outage.retry_at(), parts.now() + milliseconds(50));
  EXPECT_LE(parts.outage.retry_at(), parts.now() + seconds(2));
}

TEST(Outage, EarlierStepSucceeds_GoesOn) {
  RefreshParts parts;
  parts.fail(Step::publish);
  for (const Step earlier : {Step::load, Step::maintenance, Step::lock, Step::admit}) parts.outage.answered(earlier);
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(Step::publish);
  EXPECT_FALSE(parts.outage.since());
}

TEST(Outage, SeveralStepsFail_TheFurthestEndsIt) {
  RefreshParts parts;
  parts.fail(Step::admit);
  parts.fail(Step::load);
  parts.outage.answered(Step::lock);
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(Step::admit);
  EXPECT_FALSE(parts.outage.since());
}

TEST(Outage, AnotherHostPublished_AnySuccessEndsIt) {
  RefreshParts parts;
  parts.fail(Step::publish);
  parts.outage.other_host_published();
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(Step::load);
  EXPECT_FALSE(parts.outage.since());
}

TEST(Outage, PublicationIsFoundInTheStore_NextSuccessEndsIt) {
  RefreshParts parts;
  parts.fail(Step::publish);
  parts.outage.published();
  EXPECT_TRUE(parts.outage.since());
  parts.outage.answered(Step::load);
  EXPECT_FALSE(parts.outage.since());
}

TEST(Outage, LockIsRefusedAndTheRecordIsThere_GoesOn) {
  RefreshParts parts;
  parts.fail(Step::lock);
  parts.outage.published();
  parts.outage.answered(Step::load);
  EXPECT_TRUE(parts.outage.since());
}

TEST(Outage, LaterOne_IsNotLikeTheOneBefore) {
  RefreshParts parts;
  parts.fail(Step::publish);
  parts.outage.answered(Step::publish);
  parts.fail(Step::load);
  parts.outage.answered(Step::load);
  EXPECT_FALSE(parts.outage.since());
}

}  // namespace
}  // namespace jeton::test
