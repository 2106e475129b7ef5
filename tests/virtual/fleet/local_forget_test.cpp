// The file of the local coordinator, which holds tokens in the clear: no token stays in it after its end, with or
// without calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/coordination_hosts.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class LocalFile : public testing::Test {
 protected:
  // The second of two tokens, for an hour; the first is acceptable for five minutes.
  void publish_two() {
    const agent::Lease lease = call.acquire(60s);
    agent::Record record = make_record(loop, lease.fence, "the-second");
    record.previous =
        agent::PreviousToken{agent::SecretString("the-first"), lease.fence - 1, loop.clock.wall_now() + 5min};
    ASSERT_TRUE(call.publish(record, lease).stored);
  }
  [[nodiscard]] std::string bytes() const { return read_file(dir / "coordination" / "t.json"); }

  VirtualLoop loop;
  TempDir dir;
  const std::unique_ptr<agent::Coordinator> made =
      agent::make_local_coordinator(loop.timers, loop.random, dir / "coordination");
  agent::Coordinator& coordinator = *made;
  Caller call{loop, coordinator};
};

TEST_F(LocalFile, OverlapEnds_SupersededTokenIsGoneFromIt) {
  publish_two();
  loop.pass(4min);
  EXPECT_THAT(bytes(), HasSubstr("the-first"));
  loop.pass(1min);
  EXPECT_THAT(bytes(), Not(HasSubstr("the-first")));
  EXPECT_THAT(bytes(), HasSubstr("the-second"));
  EXPECT_EQ(call.load()->value, agent::SecretString("the-second"));
}

TEST_F(LocalFile, TokenRunsOut_IsGoneFromItAndItsGenerationIsNot) {
  publish_two();
  const auto generation = call.load()->generation;
  loop.pass(1h);
  EXPECT_THAT(bytes(), Not(HasSubstr("the-second")));
  EXPECT_FALSE(call.load());
  EXPECT_GT(call.acquire(60s).fence, generation);
}

TEST_F(LocalFile, NobodyRanAtTheEnd_NextRunTakesItOut) {
  publish_two();
  coordinator.stop();
  loop.pass(10min);
  EXPECT_THAT(bytes(), HasSubstr("the-first"));
  const auto next = agent::make_local_coordinator(loop.timers, loop.random, dir / "coordination");
  next->prune_except({"t"});
  loop.pass(1s);
  EXPECT_THAT(bytes(), Not(HasSubstr("the-first")));
  EXPECT_THAT(bytes(), HasSubstr("the-second"));
}

TEST_F(LocalFile, ClockIsADayBack_SupersededTokenIsGoneAllTheSame) {
  const agent::Lease lease = call.acquire(60s);
  agent::Record record = make_record(loop, lease.fence, "the-second");
  record.previous =
      agent::PreviousToken{agent::SecretString("the-first"), lease.fence - 1, loop.clock.wall_now() + 5min};
  record.expires_boot = loop.clock.boot_now() + 1h;
  record.previous->accept_until_boot = loop.clock.boot_now() + 5min;
  ASSERT_TRUE(call.publish(record, lease).stored);
  loop.virtual_clock().wall_offset = -24h;
  loop.pass(6min);
  EXPECT_THAT(bytes(), Not(HasSubstr("the-first")));
  loop.pass(1h);
  EXPECT_THAT(bytes(), Not(HasSubstr("the-second")));
}

// Times that were written before the step lie in the future then.
TEST_F(LocalFile, ClockIsADayBack_PauseAndIntervalEndInTheirTime) {
  const agent::FetchLimits limits{60s, 0, 24h};
  agent::Lease lease = call.acquire(60s);
  ASSERT_TRUE(call.admit(lease, limits).admitted());
  call.release(lease);
  call.pause(60s, "503");
  loop.virtual_clock().wall_offset = -24h;
  EXPECT_TRUE(call.try_acquire(60s).pause);
  loop.pass(61s);
  lease = call.acquire(60s);
  EXPECT_TRUE(call.admit(lease, limits).admitted());
}

// The directory also has the file that locks it.
TEST_F(LocalFile, TokenIsNamedState_IsTakenAndPublishedAsAnyOther) {
  const agent::AcquireResult taken = call.try_acquire(60s, "state");
  ASSERT_TRUE(taken.lease);
  const auto record = make_record(loop, taken.lease->fence, "x");
  EXPECT_TRUE(loop.run(coordinator.publish("state", record, *taken.lease)).stored);
  EXPECT_EQ(loop.run(coordinator.load("state"))->value, agent::SecretString("x"));
}

}  // namespace
}  // namespace jeton::test
