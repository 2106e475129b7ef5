// A lock whose key is gone or another's on a majority of the servers, while its holder works: known within a renewal,
// not made again, and no hindrance to the next; a renewal that was on its way at the release does no harm, and the
// release itself has a deadline (lock scenarios 15, 17 to 19).
#include <poll.h>

#include "tests/integration/client_locks/fleet_locks.hpp"

namespace jeton::test {
namespace {

bool is_lost_soon(const Lock& lock) {
  return eventually([&] { return lock.lost(); }) && lock.check() == JETON_LOCK_LOST;
}

TEST_P(FleetLocks, ADeletedKeyIsALossAndIsNotMadeAgain) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"DEL", servers.key()}, {"FLUSHDB"}}) {
    SCOPED_TRACE(command.front());
    Lock one = lock("job", seconds(2));
    ASSERT_TRUE(take(one));
    const Fence fence = one.fence();
    // Again and again: a renewal between two servers of the majority gives the first one its lock back.
    EXPECT_TRUE(eventually([&] {
      servers.cli_of_majority(command);
      return one.lost();
    }));
    EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
    EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
    // The same process takes it again, and the new one is renewed.
    ASSERT_TRUE(take(one));
    EXPECT_GT(one.fence(), fence);
    EXPECT_TRUE(eventually([&] { return servers.pttl() < 1'500; }));
    EXPECT_TRUE(eventually([&] { return servers.pttl() > 1'700; })) << "not renewed";
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
  }
}

TEST_P(FleetLocks, AForeignValueIsALossAndIsLeftAlone) {
  Lock one = lock("job", seconds(2));
  ASSERT_TRUE(take(one));
  servers.cli_of_majority({"SET", servers.key(), "foreign", "PX", "3600000"});
  EXPECT_TRUE(is_lost_soon(one));
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_TRUE(eventually([&] { return servers.count(one.owner()) == 0; }));
  EXPECT_EQ(servers.count("foreign"), servers.majority());
  EXPECT_GT(servers.pttl(), 3'000'000);
}

TEST_P(FleetLocks, ServersThatRestartEmptyAreALossAndTheLockIsNotMadeAgain) {
  Lock one = lock("job", seconds(4));
  ASSERT_TRUE(take(one));
  servers.kill_majority();
  servers.restart_majority();
  EXPECT_TRUE(is_lost_soon(one));
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  EXPECT_TRUE(can_be_had(agent));
}

TEST_P(FleetLocks, ARenewalOnItsWayAtTheReleaseLeavesNoKey) {
  const RenewalWatch renewals(servers);
  Lock one = lock("job", seconds(3));
  ASSERT_TRUE(take(one));
  ASSERT_TRUE(eventually([&] { return renewals.count() >= servers.size(); }));
  servers.set(RedisProxy::Way::held);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(eventually([&] { return servers.proxy(i).holds(one.owner()); })) << "no renewal";
  }
  static_cast<void>(one.unlock());  // whether it was in time, nobody can say
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  const std::size_t before = renewals.count();
  for (int i = 0; i < 20; ++i) {
    ::poll(nullptr, 0, 300);  // two times to live
    EXPECT_TRUE(servers.nowhere());
  }
  EXPECT_EQ(renewals.count(), before);
}

TEST_P(FleetLocks, AReleaseThatIsNotAnsweredHasADeadline) {
  Lock one = lock("job", std::chrono::hours(1));
  ASSERT_TRUE(take(one));
  servers.set(RedisProxy::Way::held);
  EXPECT_EQ(one.unlock(), JETON_AGENT_STALE);
  EXPECT_TRUE(one.lost());
  EXPECT_FALSE(servers.nowhere());
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); })) << "long before its time to live";
}

}  // namespace
}  // namespace jeton::test
