// Two hosts and one Redis: the lock is the fleet's.
#include <thread>

#include "tests/integration/client_locks/lock_host.hpp"

namespace jeton::test {
namespace {

TEST_F(RedisLocks, IsBusyOnAnotherHostAndPassesToItsWaiter) {
  LockAgent other(&redis);
  Lock here = lock();
  Lock there = other.lock("job");
  ASSERT_TRUE(here.try_lock());
  EXPECT_FALSE(there.try_lock());
  ASSERT_TRUE(there.start(seconds(60)).ok());
  EXPECT_TRUE(here.unlock().ok());
  EXPECT_TRUE(eventually([&] { return there.check().ok(); }));
  EXPECT_GT(there.fence(), here.fence());
  EXPECT_NE(there.owner(), here.owner());
}

TEST_F(RedisLocks, PassesToAnotherHostWhenTheAgentIsKilled) {
  LockAgent other(&redis);
  Lock here = lock("job", seconds(1));
  ASSERT_TRUE(here.try_lock());
  agent.process().kill();
  EXPECT_TRUE(other.lock("job").lock_for(patience));
  EXPECT_TRUE(here.lost());
}

TEST_F(RedisLocks, TwoThatOverlapDoNotBlockEachOtherForEver) {
  LockAgent other(&redis);
  const auto work = [](LockOptions options, const std::string& first, const std::string& second) {
    options.also = {second};
    Lock both(first, options);
    for (int i = 0; i < 20; ++i) {
      if (!both.lock_for(patience)) return false;
      if (!both.unlock().ok()) return false;
    }
    return true;
  };
  bool there = false;
  std::thread thread([&] { there = work(other.options(), "b", "a"); });
  EXPECT_TRUE(work(agent.options(), "a", "b"));
  thread.join();
  EXPECT_TRUE(there);
}

}  // namespace
}  // namespace jeton::test
