// A host that stands still for longer than its lock lives, and goes on as if nothing had been (lock scenarios 6, 7,
// 20).
#include <signal.h>

#include "tests/integration/client_locks/fleet_locks.hpp"

namespace jeton::test {
namespace {

// Writes to the example of a resource that checks fences; the exit status.
RunResult write_under(Fence fence, const std::filesystem::path& resource, const std::string& text) {
  ProcessOptions options;
  options.env = {{"JETON_LOCK_FENCE", std::to_string(fence)}};
  return run({"/usr/bin/python3", JETON_FENCED_STORE, resource, text}, options);
}

TEST_P(FleetLocks, APausedHostLosesItToTheNextAndGivesNothingBack) {
  const auto other = other_host();
  Lock here = lock("job", seconds(1));
  ASSERT_TRUE(take(here));
  const std::string owner = here.owner();
  const Fence fence = here.fence();
  agent.process().signal(SIGSTOP);
  Lock there = other->lock("job", std::chrono::hours(1));
  ASSERT_TRUE(there.lock_for(patience));
  EXPECT_NE(there.owner(), owner);
  EXPECT_GT(there.fence(), fence);
  EXPECT_TRUE(here.lost());
  agent.process().signal(SIGCONT);
  EXPECT_EQ(here.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(servers.value(), there.owner());
  EXPECT_GT(servers.pttl(), 3'000'000);
  // The agent has given back what it had to give, which was nothing.
  EXPECT_TRUE(can_be_had(agent, "another"));
  EXPECT_EQ(servers.value(), there.owner());
  EXPECT_GT(servers.pttl(), 3'000'000);
  EXPECT_FALSE(there.lost()) << there.reason();
}

TEST_P(FleetLocks, AnExtensionAfterThePauseIsALossAndChangesNothing) {
  const auto other = other_host();
  Lock here = lock("job", seconds(1));
  ASSERT_TRUE(take(here));
  agent.process().signal(SIGSTOP);
  Lock there = other->lock("job", seconds(60));
  ASSERT_TRUE(there.lock_for(patience));
  agent.process().signal(SIGCONT);
  EXPECT_EQ(here.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_EQ(servers.value(), there.owner());
  EXPECT_LE(servers.pttl(), 60'000);
}

TEST_P(FleetLocks, WhatAPausedHostWritesAfterItsSuccessorIsRefusedByItsFence) {
  const TempDir dir;
  const auto report = dir / "report.json";
  const auto other = other_host();
  Lock late = lock("job", seconds(1));
  ASSERT_TRUE(take(late));
  ASSERT_EQ(write_under(late.fence(), report, "early").status, 0);
  agent.process().signal(SIGSTOP);
  Lock successor = other->lock("job");
  ASSERT_TRUE(successor.lock_for(patience));
  const RunResult written = write_under(successor.fence(), report, "successor");
  EXPECT_EQ(written.status, 0) << written.err;
  const RunResult refused = write_under(late.fence(), report, "late");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("is too low"), std::string::npos) << refused.err;
  agent.process().signal(SIGCONT);
  EXPECT_EQ(write_under(late.fence(), report, "later").status, 1);
  EXPECT_TRUE(late.lost());
  EXPECT_NE(read_file(report).find("successor"), std::string::npos);
}

}  // namespace
}  // namespace jeton::test
